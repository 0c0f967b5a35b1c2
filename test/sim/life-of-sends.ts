import type { Draft, SendOptions, SendRecord, Umid } from '@everdraft/core'

import { insistOn, type Script } from './life.ts'
import { unknownUser } from './world/provider.ts'
import { pass, type World } from './world/world.ts'

/** A mail that is taken back once and then sent, one that nobody has, and one of which nobody knows for a while. */
export const sending: Script = async (world) => {
  const letter = await write(world, 'A letter', 'bob@example.org')
  await pass(world, 5_000)
  const undone = await send(world, letter.id, { undoMs: 8_000 })
  await undo(world, undone)
  await pass(world, 5_000)
  await send(world, letter.id, {})
  await pass(world, 20_000)
  const returned = await write(world, 'Nobody is there', unknownUser)
  await send(world, returned.id, {})
  await pass(world, 5_000)
  loseTheNextAnswer(world)
  const doubted = await write(world, 'A letter that is lost', 'bob@example.org, carol@example.org')
  const { id } = await send(world, doubted.id, {})
  await pass(world, 10_000)
  await insistOn(world, 'resolve', async (engine) => {
    const record = await engine.sends.get(id)
    if (record.status !== 'unknown') return record
    world.ledger.resolve(id, 'sent')
    return await engine.sends.resolve(id, 'sent')
  })
  await pass(world, 200_000)
}

async function write(world: World, subject: string, to: string): Promise<Draft> {
  const draft = await insistOn(world, `write ${subject}`, (engine) => engine.drafts.create({ subject, to }))
  world.ledger.show(draft)
  return draft
}

/** Once: whoever has seen that it is in the outbox does not send it again. */
async function send(world: World, draftId: Umid, options: SendOptions): Promise<SendRecord> {
  const before = await insistOn(world, 'look into the outbox', (engine) => engine.sends.list({ draftId }))
  const record = await insistOn(world, 'send', async (engine) => {
    const { items } = await engine.sends.list({ draftId })
    const [newest] = items
    return newest !== undefined && items.length > before.total ? newest : await engine.drafts.send(draftId, options)
  })
  world.ledger.consent(record)
  return record
}

async function undo(world: World, { id }: SendRecord): Promise<void> {
  await insistOn(world, 'undo', async (engine) => {
    const record = await engine.sends.get(id)
    return record.status === 'queued' ? await engine.sends.cancel(id) : record
  })
}

/** The server takes the mail, and the connection ends before it can say so. */
function loseTheNextAnswer({ network }: World): void {
  network.fateOf = (verb) => {
    if (verb !== 'the dot') return { kind: 'pass' }
    network.fateOf = () => ({ kind: 'pass' })
    return { kind: 'cut-after' }
  }
}
