import { insistOn, type Script } from './life.ts'
import { arrives, look } from './life-of-answers.ts'
import { ask } from './checkers/stored.ts'
import { withOtherText } from './world/message-format.ts'
import { mailUser } from './world/server.ts'
import { pass, type World } from './world/world.ts'

/**
 * Of four drafts that a program writes a person sends two, one of them edited, in a program that leaves the other in Drafts for a
 * while, deletes another, and leaves the last. `onDrafted` hears how many
 * writes there were until then.
 */
export const sendingElsewhere =
  (onDrafted: (commits: number) => void): Script =>
  async (world) => {
    await insistOn(world, 'set the responder', async (engine) => {
      const { accountId } = world.ledger
      if (accountId === null) throw new Error('no account')
      return await engine.responders.set(accountId, { module: 'sim' })
    })
    await pass(world, 5_000)
    for (const subject of ['kept', 'sent', 'deleted', 'left']) {
      arrives(world, { subject, messageId: `<${subject}@example.org>` })
    }
    await look(world)
    await look(world)
    onDrafted(world.disk.commits)
    putIntoSent(world, withOtherText(copiesOf(world, 'sent')[0]?.bytes ?? new Uint8Array(), 'to sent, edited'))
    for (const subject of ['sent', 'deleted']) takeOut(world, subject)
    await look(world)
    // Then it is clear that nothing comes any more.
    await pass(world, 20 * 60_000)
    await look(world)
    // Nothing else than this mail asks for another look.
    putIntoSent(world, copiesOf(world, 'kept')[0]?.bytes.slice())
    await look(world)
  }

function putIntoSent({ server, scheduler }: World, bytes: Uint8Array | undefined): void {
  const sent = server.foreign.find(mailUser.name, 'Sent')
  if (sent === undefined || bytes === undefined) throw new Error('there is no Sent, or no draft')
  server.foreign.append(sent, { bytes, flags: [], internalDateMs: scheduler.now() })
}

function takeOut(world: World, subject: string): void {
  const { server, disk, ledger } = world
  const drafts = server.foreign.find(mailUser.name, 'Drafts')
  if (drafts === undefined) throw new Error('there is no Drafts')
  const [row] = ask<{ readonly message_id: Parameters<typeof ledger.discard>[0] }>(
    disk.database,
    'select message_id from email_outcomes where reply_to_message_id = ?',
    `<${subject}@example.org>`,
  )
  // It is a person who does away with it.
  if (row !== undefined) ledger.discard(row.message_id)
  const uids = copiesOf(world, subject).map(({ uid }) => uid)
  server.foreign.expunge(drafts, uids)
}

function copiesOf({ server }: World, subject: string) {
  const messages = server.foreign.find(mailUser.name, 'Drafts')?.messages() ?? []
  return messages.filter(({ bytes }) => Buffer.from(bytes).toString('latin1').includes(`"text":"to ${subject}`))
}

/** What is wrong at the end, if anything. */
export function complaintsOfOutcomes({ disk }: World): readonly string[] {
  const outcomes = ask<Readonly<Record<'reply_to' | 'status' | 'verdict', string> & { evidence: string | null }>>(
    disk.database,
    'select reply_to_message_id as reply_to, status, verdict, evidence from email_outcomes order by reply_to_message_id',
  )
  const told = outcomes.map(
    ({ reply_to, status, verdict, evidence }) => `${reply_to} ${status} ${verdict} ${evidence ?? '-'}`,
  )
  const expected = [
    '<deleted@example.org> draft_created discarded -',
    '<kept@example.org> sent sent-unchanged exact',
    '<left@example.org> draft_created pending -',
    '<sent@example.org> sent sent-edited exact',
  ]
  const events = ask<{ readonly payload: string }>(disk.database, 'select payload from event').filter(
    ({ payload }) => (JSON.parse(payload) as { readonly type: string }).type === 'outcome.sent',
  )
  return [
    ...(told.join(', ') === expected.join(', ') ? [] : [`the outcomes are: ${told.join(', ')}`]),
    ...(events.length === 2 ? [] : [`that two were sent was told ${events.length} times`]),
  ]
}
