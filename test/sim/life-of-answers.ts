import type { Outcome, Responder } from '@everdraft/core'

import { insistOn, type Script } from './life.ts'
import { ask } from './checkers/stored.ts'
import { mailUser } from './world/server.ts'
import { pass, type World } from './world/world.ts'

/** Answers each mail; what it wrote before may go to the trash by that, and nobody else puts it there. */
export function answering(world: World): Responder {
  return ({ message }) => {
    expectTheTrash(world)
    return { text: `to ${message.subject}` }
  }
}

function expectTheTrash({ disk, ledger }: World): void {
  const drafts = ask<{ readonly message_id: Outcome['messageId'] }>(
    disk.database,
    'select message_id from email_outcomes',
  )
  for (const { message_id } of drafts) ledger.discard(message_id)
}

/** Mails that come while the device sleeps, runs and works; two of them belong together. */
export const receiving: Script = async (world) => {
  await insistOn(world, 'set the responder', async (engine) => {
    const { accountId } = world.ledger
    if (accountId === null) throw new Error('no account')
    return await engine.responders.set(accountId, { module: 'sim' })
  })
  await pass(world, 5_000)
  arrives(world, { subject: 'one', messageId: '<one@example.org>' })
  arrives(world, { subject: 'another', messageId: '<another@example.org>' })
  await look(world)
  // From a program: nobody answers it.
  arrives(world, { subject: 'away', messageId: '<away@example.org>', more: 'Auto-Submitted: auto-replied\r\n' })
  arrives(world, { subject: 'more', messageId: '<more@example.org>', inReplyTo: '<one@example.org>' })
  await look(world)
}

export async function look(world: World): Promise<void> {
  const { accountId } = world.ledger
  await insistOn(world, 'look', async (engine) => await engine.sync(accountId!, { waitMs: 20_000 }))
  await pass(world, 20_000)
}

interface Mail {
  readonly subject: string
  readonly messageId: string
  readonly inReplyTo?: string
  readonly more?: string
}

export function arrives({ server, scheduler }: World, { subject, messageId, inReplyTo, more = '' }: Mail): void {
  const inbox = server.store.find(mailUser.name, 'INBOX')
  if (inbox === undefined) throw new Error('there is no INBOX')
  const parent = inReplyTo === undefined ? '' : `In-Reply-To: ${inReplyTo}\r\n`
  const head = `From: bob@example.org\r\nSubject: ${subject}\r\nMessage-ID: ${messageId}\r\n${parent}${more}`
  server.foreign.append(inbox, {
    bytes: Buffer.from(`${head}\r\nwords of ${subject}\r\n`),
    flags: [],
    internalDateMs: scheduler.now(),
  })
}

/** What is wrong at the end, if anything. */
export function complaintsOfAnswers({ disk, server }: World): readonly string[] {
  const outcomes = ask<{ readonly reply_to: string; readonly status: string }>(
    disk.database,
    'select reply_to_message_id as reply_to, status from email_outcomes order by reply_to_message_id',
  )
  const told = outcomes.map(({ reply_to, status }) => `${reply_to} ${status}`).join(', ')
  const expected = '<another@example.org> draft_created, <more@example.org> draft_created, <one@example.org> superseded'
  const copies = (server.store.find(mailUser.name, 'Drafts')?.messages() ?? [])
    .filter(({ flags }) => ![...flags].some((flag) => flag.toLowerCase() === '\\deleted'))
    .map(({ bytes }) => /"text":"to (\w+)/.exec(Buffer.from(bytes).toString('latin1'))?.[1] ?? '?')
  const drafts = copies.toSorted((a, b) => (a < b ? -1 : 1)).join(' and ')
  return [
    ...(told === expected ? [] : [`the outcomes are: ${told}`]),
    ...(drafts === 'another and more' ? [] : [`in Drafts are: ${drafts}`]),
  ]
}
