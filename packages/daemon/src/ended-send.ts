import type { Engine, SendId, SendRecord, SendStatus } from '@everdraft/core'

const ended: ReadonlySet<SendStatus> = new Set(['sent', 'failed', 'cancelled', 'unknown'])

/** The record once the send has ended, whatever the outcome; as it is when `waitMs` is over, or the daemon closes. */
export async function endedSend(
  engine: Engine,
  id: SendId,
  { waitMs, closing }: { readonly waitMs: number; readonly closing: AbortSignal },
): Promise<{ readonly record: SendRecord; readonly isEnded: boolean }> {
  const over = Promise.withResolvers<void>()
  // Subscribed before the first look, so that nothing falls between.
  const { accountId } = await engine.sends.get(id)
  const off = engine.subscribe({ accountId }, (event) => {
    if (event.type === 'send-status-changed' && event.sendId === id && ended.has(event.status)) over.resolve()
  })
  const timer = setTimeout(over.resolve, waitMs)
  closing.addEventListener('abort', () => over.resolve(), { once: true })
  try {
    const now = await engine.sends.get(id)
    if (!ended.has(now.status) && !closing.aborted) await over.promise
    const record = await engine.sends.get(id)
    return { record, isEnded: ended.has(record.status) }
  } finally {
    clearTimeout(timer)
    off()
  }
}
