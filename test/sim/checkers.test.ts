import { expect, test } from 'vitest'

import { everyRevisionIsHeld } from './checkers/every-revision-is-held.ts'
import type { CreateChecker } from './checkers/checker.ts'
import { comesToRest } from './checkers/comes-to-rest.ts'
import { expungeHasAReceipt } from './checkers/expunge-has-a-receipt.ts'
import { neverZeroCopies } from './checkers/never-zero-copies.ts'
import { noAttemptIsGivenUpTooSoon } from './checkers/no-attempt-is-given-up-too-soon.ts'
import { nothingDangles } from './checkers/nothing-dangles.ts'
import { oneCopyAtRest } from './checkers/one-copy-at-rest.ts'
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
  ['an acknowledged revision is gone', everyRevisionIsHeld, sql('delete from revision where version = 2'), /is gone/],
  [
    'a revision says something else',
    everyRevisionIsHeld,
    sql(`update revision set content = json_set(content, '$.set.subject', 'other') where version = 1`),
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
    sql(`update draft set content = json_set(content, '$.text', 'other')`),
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
