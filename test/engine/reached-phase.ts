import type { SendId, SendPhase, SendRecord } from '@everdraft/core'

import type { Device } from '../live/harness.ts'

/** When the send has come to one of these phases. */
export async function reachedPhase(
  { engine, account }: Pick<Device, 'engine' | 'account'>,
  id: SendId,
  ...phases: readonly SendPhase[]
): Promise<SendRecord> {
  const reached = Promise.withResolvers<SendRecord>()
  const look = async (): Promise<void> => {
    const record = await engine.sends.get(id)
    if (phases.includes(record.phase)) reached.resolve(record)
  }
  const off = engine.subscribe({ accountId: account.id }, (event) => {
    if (event.type === 'send-status-changed') look().catch(reached.reject)
  })
  look().catch(reached.reject)
  return await reached.promise.finally(off)
}
