import { expect, test } from 'vitest'

import { everyRevisionIsHeld } from './checkers/every-revision-is-held.ts'
import type { CreateChecker } from './checkers/checker.ts'
import { comesToRest } from './checkers/comes-to-rest.ts'
import { draftsWaitForFiling } from './checkers/drafts-wait-for-filing.ts'
import { everyConsentExplainsItself } from './checkers/every-consent-explains-itself.ts'
import { expungeHasAReceipt } from './checkers/expunge-has-a-receipt.ts'
import { importsAreOfOthers } from './checkers/imports-are-of-others.ts'
import { neverZeroCopies } from './checkers/never-zero-copies.ts'
import { noAttemptIsGivenUpTooSoon } from './checkers/no-attempt-is-given-up-too-soon.ts'
import { noConsentIsLost } from './checkers/no-consent-is-lost.ts'
import { nothingDangles } from './checkers/nothing-dangles.ts'
import { nothingGoesFromSent } from './checkers/nothing-goes-from-sent.ts'
import { oneCopyAtRest } from './checkers/one-copy-at-rest.ts'
import { oneCopyInSent } from './checkers/one-copy-in-sent.ts'
import { oneDeliveryPerConsent } from './checkers/one-delivery-per-consent.ts'
import { workHasAMarker } from './checkers/work-has-a-marker.ts'
import { openScripted, type ScriptedDevice } from './device.ts'
import { mailUser } from './world/server.ts'
import { pass } from './world/world.ts'

/** A draft with two revisions and an attachment, uploaded, at rest. */
async function openAtRest(): Promise<ScriptedDevice> {
  const device = await openScripted()
  const draft = await device.create('A letter')
  await device.save(draft, 'first words')
  await device.attach(draft, new Uint8Array(600).fill(7))
  await pass(device.world, 10_000)
  return device
}

/** The engine's hand in the mailbox, without the engine: what it must never do can then be done. */
function engineHand({ world }: ScriptedDevice) {
  const doing = { verb: 'UID EXPUNGE', searchedForDeletedMs: 0 }
  const store = world.server.through('engine', doing)
  const mailbox = store.find(mailUser.name, 'Drafts')
  if (mailbox === undefined) throw new Error('there is no Drafts folder')
  return { store, mailbox, doing }
}

function sql(statement: string): (device: ScriptedDevice) => void {
  return ({ world }) => {
    world.disk.database.pragma('foreign_keys = OFF')
    world.disk.database.exec(statement)
  }
}

/** Changed the way the engine must not, and what a checker is to say of it. */
const violations: readonly (readonly [string, CreateChecker, (device: ScriptedDevice) => void, RegExp])[] = [
  [
    'an acknowledged revision is gone',
    everyRevisionIsHeld,
    sql(`delete from revision where encoding = 'run'`),
    /is gone/,
  ],
  [
    'a revision says something else',
    everyRevisionIsHeld,
    sql(`update revision set encoding = 'full', content = json_set(draft_content.content, '$.subject', 'other')
      from draft_content where draft_content.draft_id = revision.draft_id and version = 1`),
    /says something else/,
  ],
  ['the bytes of an attachment are gone', everyRevisionIsHeld, sql('delete from blob_chunk'), /has other bytes/],
  [
    'a draft is in the trash by itself',
    everyRevisionIsHeld,
    sql(`update draft set status = 'discarded'`),
    /nobody put it there/,
  ],
  [
    'a foreign message is removed by us',
    expungeHasAReceipt,
    (device) => {
      device.putByHand('not ours')
      const { store, mailbox } = engineHand(device)
      store.expunge(
        mailbox,
        mailbox
          .messages()
          .slice(-1)
          .map((message) => message.uid),
      )
    },
    /is not ours/,
  ],
  [
    'a copy is removed that no receipt is for',
    expungeHasAReceipt,
    (device) => {
      sql('delete from server_name')(device)
      const { store, mailbox } = engineHand(device)
      store.expunge(
        mailbox,
        mailbox.messages().map((message) => message.uid),
      )
    },
    /no receipt/,
  ],
  [
    'a copy is removed whose revision is not held',
    expungeHasAReceipt,
    (device) => {
      sql('delete from revision')(device)
      const { store, mailbox } = engineHand(device)
      store.expunge(
        mailbox,
        mailbox.messages().map((message) => message.uid),
      )
    },
    /is not held/,
  ],
  [
    'the last copy of a wanted draft is removed by us',
    neverZeroCopies,
    (device) => {
      const { store, mailbox } = engineHand(device)
      store.expunge(
        mailbox,
        mailbox.messages().map((message) => message.uid),
      )
    },
    /the last copy/,
  ],
  [
    'a draft has two copies',
    oneCopyAtRest,
    (device) => {
      const { store, mailbox } = engineHand(device)
      const [message] = mailbox.messages()
      if (message) store.append(mailbox, { bytes: message.bytes.slice(), flags: [], internalDateMs: 0 })
    },
    /has 2 copies/,
  ],
  [
    'the copy is not the head',
    oneCopyAtRest,
    sql(`update draft_content set content = json_set(content, '$.text', 'other')`),
    /is not its head/,
  ],
  [
    'a discarded draft has a copy',
    oneCopyAtRest,
    sql(`update draft set status = 'discarded'`),
    /is discarded, and has 1/,
  ],
  [
    'an attempt that a name refers to is gone',
    nothingDangles,
    sql('delete from attempt'),
    /a name without its attempt/,
  ],
  ['a blob that a draft names is not held', nothingDangles, sql('delete from blob_ref'), /does not hold it/],
  ['a synchronized draft has no name', nothingDangles, sql('delete from server_name'), /without a name/],
  ['a lane is busy with nothing', nothingDangles, sql('update lane set busy = 1'), /a lane that is busy/],
  [
    'a write comes from a run that has lost its claim',
    (world) => {
      const checker = nothingDangles(world)
      checker.check()
      return { ...checker, check: () => nothingDangles(world).check() }
    },
    sql('update attempt set bytes_sent = 1'),
    /a write without a claim/,
  ],
  ['an attempt is open at rest', comesToRest, sql(`update attempt set state = 'open'`), /an attempt is open/],
  ['a task has failed', comesToRest, sql(`update task set state = 'failed'`), /is failed/],
  [
    'a draft waits, and nothing stands for it',
    comesToRest,
    sql(`update draft set sync_state = 'local-only'`),
    /no reason is shown/,
  ],
  [
    'a draft needs something, and has no row',
    workHasAMarker,
    sql(`update draft set sync_state = 'local-only'`),
    /nothing in the queue/,
  ],
  [
    'an upload is called absent while its copy is there',
    noAttemptIsGivenUpTooSoon,
    sql(`update attempt set state = 'absent'`),
    /is called absent/,
  ],
]

test.each(violations)('when %s, its checker complains, and not before', async (_what, create, violate, complaint) => {
  const device = await openAtRest()
  const checker = create(device.world)
  expect(create(device.world).check()).toEqual([])
  violate(device)
  expect(checker.check().join('\n')).toMatch(complaint)
})

/** The same draft, sent to two, and its copy in Sent; all is at its end. */
async function openAfterSending(): Promise<ScriptedDevice> {
  const device = await openScripted()
  const draft = await device.create('A letter')
  await pass(device.world, 10_000)
  await device.send(draft, 'bob@example.org, carol@example.org')
  await pass(device.world, 200_000)
  return device
}

/** Once more what was delivered, to whom a test says, with what it changes. */
function deliverAgain({ world }: ScriptedDevice, recipients: readonly string[], change = (text: string) => text): void {
  const [delivery] = world.provider.deliveries
  if (delivery === undefined) throw new Error('nothing was delivered')
  const bytes = Buffer.from(change(Buffer.from(delivery.bytes).toString('latin1')), 'latin1')
  world.provider.take(delivery.sendId, recipients, bytes)
}

/** A hand in Sent. */
function inSent({ world }: ScriptedDevice, by: 'engine' | 'provider') {
  const store = world.server.through(by, { verb: 'UID EXPUNGE', searchedForDeletedMs: 0 })
  const mailbox = store.find(mailUser.name, 'Sent')
  const [message] = mailbox?.messages() ?? []
  if (mailbox === undefined || message === undefined) throw new Error('there is nothing in Sent')
  const add = (): void => void store.append(mailbox, { bytes: message.bytes.slice(), flags: [], internalDateMs: 0 })
  return { add, remove: () => store.expunge(mailbox, [message.uid]) }
}

function setState(path: string, value: string): (device: ScriptedDevice) => void {
  return sql(`update send set state = json_set(state, '${path}', json('${value}'))`)
}

/** What must not become of a mail, and what a checker is to say of it. */
const sendingViolations: readonly (readonly [string, CreateChecker, (device: ScriptedDevice) => void, RegExp])[] = [
  [
    'a mail is delivered twice',
    oneDeliveryPerConsent,
    (device) => deliverAgain(device, ['bob@example.org']),
    /to bob@example.org more than 1 times/,
  ],
  [
    'a mail is delivered to somebody else',
    oneDeliveryPerConsent,
    (device) => deliverAgain(device, ['dora@example.org']),
    /is not in the consent/,
  ],
  [
    'another text is delivered',
    oneDeliveryPerConsent,
    (device) => deliverAgain(device, [], (text) => text.replace('A letter', 'A later letter')),
    /is not revision 2/,
  ],
  [
    'a private field is delivered',
    oneDeliveryPerConsent,
    (device) => deliverAgain(device, [], (text) => `X-Everdraft-Id: 1\r\n${text}`),
    /has the field X-Everdraft-Id/,
  ],
  ['a consent is gone', noConsentIsLost, sql('delete from send'), /is gone/],
  [
    'a record says of somebody who has the mail that it was refused',
    noConsentIsLost,
    setState('$.recipients[0].status', '"refused"'),
    /bob@example.org is refused, who has it/,
  ],
  [
    'a record says of somebody who has no mail that they have it',
    noConsentIsLost,
    setState('$.recipients[1].address', '"dora@example.org"'),
    /dora@example.org has it, who has it not/,
  ],
  ['a send stands still', everyConsentExplainsItself, sql(`update send set phase = 'filed'`), /is filed at rest/],
  [
    'a send has failed and says not why',
    everyConsentExplainsItself,
    sql(`update send set phase = 'failed'`),
    /says not why/,
  ],
  [
    'a draft is in the outbox still',
    everyConsentExplainsItself,
    sql(`update send set phase = 'cancelled'`),
    /its draft is still sent/,
  ],
  ['a copy is filed twice', oneCopyInSent, (device) => inSent(device, 'engine').add(), /2 copies of ours/],
  ['the server files one beside ours', oneCopyInSent, (device) => inSent(device, 'provider').add(), /ours beside it/],
  ['no copy is in Sent', oneCopyInSent, (device) => inSent(device, 'engine').remove(), /has no copy in Sent/],
  ['the only copy goes from Sent', nothingGoesFromSent, (device) => inSent(device, 'engine').remove(), /no other copy/],
  [
    'a copy of the server goes from Sent',
    nothingGoesFromSent,
    (device) => {
      const provider = inSent(device, 'provider')
      provider.remove()
      provider.add()
      inSent(device, 'engine').remove()
    },
    /it is not ours/,
  ],
  [
    'a draft in the outbox was saved over',
    nothingDangles,
    sql(`update send set ended_at = null, state = json_set(state, '$.version', 1)`),
    /at another revision/,
  ],
  ['a draft is sent by nobody', nothingDangles, sql('delete from send'), /without a consent/],
  [
    'a send needs something, and has no row',
    workHasAMarker,
    sql(`update send set phase = 'dotting'`),
    /needs outbox_send/,
  ],
]

test.each(sendingViolations)('when %s, its checker complains', async (_what, create, violate, complaint) => {
  const device = await openAfterSending()
  expect(device.complaintsAtRest()).toEqual([])
  violate(device)
  expect(create(device.world).check().join('\n')).toMatch(complaint)
})

test('when the copy in Drafts goes before one is in Sent, its checker complains', async () => {
  const device = await openAtRest()
  const checker = draftsWaitForFiling(device.world)
  sql(`update draft set status = 'sent'`)(device)
  const { store, mailbox } = engineHand(device)
  store.expunge(
    mailbox,
    mailbox.messages().map((message) => message.uid),
  )
  expect(checker.check().join()).toMatch(/before one was seen in Sent/)
})

test('when a copy of ours is taken in as a draft of somebody, its checker complains', async () => {
  const device = await openAtRest()
  const checker = importsAreOfOthers(device.world)
  expect(checker.check()).toEqual([])
  await device.world.engine?.drafts.create({ subject: 'Another letter' })
  sql(`update attempt set method = 'import', draft_id = (select id from draft order by id desc limit 1)`)(device)
  expect(checker.check().join()).toMatch(/1 drafts were taken in/)
})
