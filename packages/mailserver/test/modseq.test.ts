import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { createDiskJournal, type StoreJournal } from '../src/index.ts'
import { append, createWorld, lines, message, type TestClient, type World } from './harness.ts'

/** Three messages in Drafts, with modseqs 2, 3 and 4. */
function withThree(options: { readonly journal?: StoreJournal } = {}): World {
  const world = createWorld(options)
  const client = world.login()
  for (const subject of ['one', 'two', 'three']) append(client, 'Drafts', message(subject))
  // Somebody has seen them: they are not \Recent any more.
  client.run('a SELECT Drafts')
  return world
}

const selected = (world: World, command = 'SELECT Drafts', enable = ''): TestClient => {
  const client = world.login()
  if (enable !== '') client.run(`e ENABLE ${enable}`)
  client.run(`s ${command}`)
  return client
}

/** The untagged lines of these kinds. */
const told = (answer: string, kinds: RegExp): readonly string[] => lines(answer).filter((line) => kinds.test(line))

test('HIGHESTMODSEQ grows with every change, and SELECT and STATUS tell it', () => {
  const world = withThree()
  const client = selected(world)
  const seen = [client.run('a STATUS Drafts (HIGHESTMODSEQ)')]
  client.run('b STORE 1 +FLAGS (\\Flagged)')
  seen.push(client.run('c STATUS Drafts (HIGHESTMODSEQ)'))
  client.run('d UID STORE 2 +FLAGS.SILENT (\\Deleted)')
  client.run('e EXPUNGE')
  seen.push(client.run('f SELECT Drafts'))
  expect(seen.map((answer) => /HIGHESTMODSEQ (\d+)/u.exec(answer)?.[1])).toEqual(['4', '5', '7'])
})

test.each([
  ['ENABLE CONDSTORE', ' MODSEQ (5)'],
  ['FETCH 1 MODSEQ', ' MODSEQ (5)'],
  ['FETCH 1 UID (CHANGEDSINCE 100)', ' MODSEQ (5)'],
  ['SEARCH MODSEQ 100', ' MODSEQ (5)'],
  ['STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)', ' MODSEQ (5)'],
  ['STATUS Sent (HIGHESTMODSEQ)', ' MODSEQ (5)'],
  ['SELECT Drafts (CONDSTORE)', ' MODSEQ (5)'],
  ['SELECT Drafts', ''],
])('after `%s` a client is told of changes with%s', (command, modseq) => {
  const world = withThree()
  const client = selected(world)
  client.run(`a ${command}`)
  selected(world).run('b STORE 1 +FLAGS (\\Flagged)')
  const [update = ''] = told(client.run('c NOOP'), /FETCH/u)
  expect(update).toBe(`* 1 FETCH (FLAGS (\\Flagged)${modseq})`)
})

test('CHANGEDSINCE leaves out what has not changed since', () => {
  const client = selected(withThree())
  expect(told(client.run('a FETCH 1:* UID (CHANGEDSINCE 3)'), /FETCH/u)).toEqual(['* 3 FETCH (UID 3 MODSEQ (4))'])
  client.run('b STORE 1 +FLAGS (\\Flagged)')
  expect(told(client.run('c UID FETCH 1:* FLAGS (CHANGEDSINCE 4)'), /FETCH/u)).toEqual([
    '* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (5))',
  ])
})

test('STORE with UNCHANGEDSINCE spares what somebody else has changed, and names it', () => {
  const world = withThree()
  const client = selected(world)
  selected(world).run('o UID STORE 2 +FLAGS (\\Answered)')
  const answer = client.run('a UID STORE 1:3 (UNCHANGEDSINCE 4) +FLAGS (\\Flagged)')
  expect(answer).toContain('a OK [MODIFIED 2] ')
  const flags = world.store.find('alice', 'Drafts')?.messages()
  expect(flags?.map((each) => each.flags.join())).toEqual(['\\Flagged', '\\Answered', '\\Flagged'])
  expect(client.run('b STORE 2:3 (UNCHANGEDSINCE 1) +FLAGS (\\Draft)')).toContain('b OK [MODIFIED 2:3] ')
})

test('a silent STORE still tells the new modseq', () => {
  const client = selected(withThree(), 'SELECT Drafts (CONDSTORE)')
  expect(lines(client.run('a STORE 1 +FLAGS.SILENT (\\Seen)'))).toEqual([
    '* 1 FETCH (MODSEQ (5))',
    'a OK Store completed',
  ])
})

test('SEARCH MODSEQ answers with the highest modseq of what it found', () => {
  const client = selected(withThree())
  expect(client.run('a UID SEARCH MODSEQ 3')).toContain('* SEARCH 2 3 (MODSEQ 4)\r\n')
  expect(client.run('b SEARCH MODSEQ "/flags/\\\\draft" all 9')).toContain('* SEARCH\r\n')
  expect(client.run('c SEARCH RETURN (MIN COUNT) MODSEQ 1')).toContain('* ESEARCH (TAG "c") MIN 1 COUNT 3 MODSEQ 4\r\n')
  expect(client.run('d SEARCH RETURN (MIN) OR SEEN MODSEQ 1')).toContain('* ESEARCH (TAG "d") MIN 1 MODSEQ 2\r\n')
})

test('SEARCH RETURN tells what is asked, and nothing of nothing', () => {
  const client = selected(withThree())
  expect(client.run('a UID SEARCH RETURN (MIN MAX COUNT ALL) NOT 2')).toContain(
    '* ESEARCH (TAG "a") UID MIN 1 MAX 3 ALL 1,3 COUNT 2\r\n',
  )
  expect(client.run('b SEARCH RETURN () ALL')).toContain('* ESEARCH (TAG "b") ALL 1:3\r\n')
  expect(client.run('c SEARCH RETURN (MIN MAX ALL COUNT) SEEN')).toContain('* ESEARCH (TAG "c") COUNT 0\r\n')
  expect(client.run('d SEARCH RETURN (MEDIAN) ALL')).toMatch(/^d BAD/u)
})

test('a client of QRESYNC is told of its absence at once: what vanished, and what changed', () => {
  const world = withThree()
  const other = selected(world)
  other.run('a UID STORE 2 +FLAGS (\\Deleted)')
  other.run('b UID EXPUNGE 2')
  other.run('c UID STORE 1 +FLAGS (\\Flagged)')
  append(other, 'Drafts', message('four'))
  const client = selected(world, 'NOOP', 'QRESYNC')
  const resync = (parameters: string): readonly string[] =>
    told(client.run(`s SELECT Drafts (QRESYNC (${parameters}))`), /VANISHED|FETCH|BAD/u)
  const flagged = '* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (7))'
  expect(resync('1001 4')).toEqual(['* VANISHED (EARLIER) 2', flagged, '* 3 FETCH (UID 4 FLAGS () MODSEQ (8))'])
  expect(resync('1001 4 1,3')).toEqual([flagged])
  expect(resync('1001 4 1:3 (1:3 1:3)')).toEqual(['* VANISHED (EARLIER) 2', flagged])
  // Up to the expunge itself it knows.
  expect(resync('1001 6')).toEqual([flagged, '* 3 FETCH (UID 4 FLAGS () MODSEQ (8))'])
  expect(resync('1001 8')).toEqual([])
  // UIDs of another UIDVALIDITY say nothing.
  expect(resync('999 1')).toEqual([])
})

test('VANISHED takes the place of EXPUNGE, and OK tells up to where the client knows the mailbox', () => {
  const world = withThree()
  const client = selected(world, 'SELECT Drafts', 'QRESYNC')
  client.run('a UID STORE 1:2 +FLAGS (\\Deleted)')
  expect(lines(client.run('b UID EXPUNGE 1:2'))).toEqual([
    '* VANISHED 1:2',
    expect.stringContaining('b OK [HIGHESTMODSEQ 8]'),
  ])
  const other = selected(world)
  other.run('c UID MOVE 3 Trash')
  expect(lines(client.run('d NOOP'))).toEqual(['* VANISHED 3', expect.stringContaining('d OK')])
})

test('QRESYNC has to be enabled, and VANISHED goes with UID FETCH and CHANGEDSINCE only', () => {
  const client = selected(withThree())
  expect(client.run('a SELECT Drafts (QRESYNC (1001 1))')).toMatch(/^a BAD/u)
  expect(client.run('b UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)')).toMatch(/^b BAD/u)
  client.run('c ENABLE QRESYNC')
  expect(client.run('d FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)')).toMatch(/^d BAD/u)
  expect(client.run('e UID FETCH 1:* FLAGS (VANISHED)')).toMatch(/^e BAD/u)
})

test('modseqs and what vanished are the same after a restart, from the journal and from its snapshot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mailserver-modseq-'))
  try {
    const open = (): StoreJournal => createDiskJournal(folder)
    const client = selected(withThree({ journal: open() }))
    client.run('a UID STORE 2 +FLAGS (\\Deleted)')
    client.run('b UID EXPUNGE 2')
    client.run('c STORE 1 +FLAGS (\\Seen)')
    const state = (world: World): string => {
      const again = selected(world, 'SELECT Drafts', 'QRESYNC')
      return `${again.run('s STATUS Drafts (HIGHESTMODSEQ)')}${again.run('f UID FETCH 1:* MODSEQ (CHANGEDSINCE 1 VANISHED)')}`
    }
    const before = client.run('d FETCH 1:* MODSEQ')
    const first = state(createWorld({ journal: open() }))
    expect(first).toContain('HIGHESTMODSEQ 7')
    expect(first).toContain('* VANISHED (EARLIER) 2')
    for (const modseq of before.match(/MODSEQ \(\d+\)/gu) ?? []) expect(first).toContain(modseq)
    expect(state(createWorld({ journal: open() }))).toBe(first)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a client that was away for 10,001 expunges is told of every UID that is not there', () => {
  const world = createWorld()
  const mailbox = world.store.find('alice', 'Drafts')
  if (mailbox === undefined) throw new Error('no Drafts')
  const bytes = new TextEncoder().encode(message('x'))
  for (let round = 0; round < 10_001; round++) {
    const outcome = world.store.append(mailbox, { bytes, flags: [], internalDateMs: 0 })
    if (outcome.ok) world.store.expunge(mailbox, [outcome.value])
  }
  append(world.login(), 'Drafts', message('stays'))
  const client = selected(world, 'NOOP', 'QRESYNC')
  expect(client.run('a SELECT Drafts (QRESYNC (1001 1))')).toContain('* VANISHED (EARLIER) 1:10001\r\n')
  // Lately enough to be remembered.
  expect(client.run('b SELECT Drafts (QRESYNC (1001 20000))')).toContain('* VANISHED (EARLIER) 10000:10001\r\n')
})
