import { expect, test } from 'vitest'

import { append, bytesOf, createWorld, lines, message, uidsOf, type TestClient, type World } from './harness.ts'

const twoParts = [
  'Subject: parts',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'first',
  '--b',
  'Content-Type: application/pdf',
  'Content-Transfer-Encoding: base64',
  '',
  'QUJD',
  '--b--',
  '',
].join('\r\n')

function withDraft(): { readonly world: World; readonly client: TestClient } {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', twoParts)
  return { world, client }
}

test('APPEND CATENATE joins texts and parts of stored messages in order', () => {
  const { world, client } = withDraft()
  const answer = client.runWithLiterals(
    'a APPEND Drafts (\\Draft) CATENATE (TEXT ',
    'Subject: new\r\n\r\n',
    ' URL "/Drafts;UIDVALIDITY=1001/;UID=1/;SECTION=2" TEXT ',
    '\r\nend\r\n',
    ')',
  )
  expect(answer).toContain('a OK [APPENDUID 1001 2]')
  expect(bytesOf(world, 2)).toBe('Subject: new\r\n\r\nQUJD\r\nend\r\n')
  expect(world.store.find('alice', 'Drafts')?.messages()[1]?.flags).toEqual(['\\Draft'])
})

const urls: readonly (readonly [url: string, octets: string])[] = [
  ['/Drafts/;UID=1', twoParts],
  ['/Drafts;UIDVALIDITY=1001/;UID=1', twoParts],
  [';UID=1', twoParts],
  ['/;UID=1', twoParts],
  ['/Drafts/;uid=1/;section=1', 'first'],
  ['/Drafts/;UID=1/;SECTION=HEADER', 'Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'],
  ['/Drafts/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)', 'Subject: parts\r\n\r\n'],
  ['/Drafts/;UID=1/;SECTION=2.MIME', 'Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n'],
  ['/Drafts/;UID=1/;PARTIAL=0.7', 'Subject'],
  ['/Drafts/;UID=1/;SECTION=1/;PARTIAL=3', 'st'],
  ['/%44rafts/;UID=1/;SECTION=1', 'first'],
]

test.each(urls)('CATENATE takes the octets of %s', (url, octets) => {
  const { world, client } = withDraft()
  expect(client.run(`a APPEND Sent CATENATE (URL "${url}")`)).toContain('a OK [APPENDUID')
  expect(bytesOf(world, 1, 'Sent')).toBe(octets)
})

test.each([
  '/Drafts;UIDVALIDITY=7/;UID=1',
  '/Drafts/;UID=99',
  '/Drafts/;UID=1/;SECTION=3',
  '/Drafts/;UID=1/;SECTION=nonsense',
  '/Drafts;UID=1',
  '/nowhere/;UID=1',
  '/drafts/;UID=1',
  '/%FF/;UID=1',
  'imap://alice@localhost/Drafts/;UID=1',
  'nonsense',
])('CATENATE answers BADURL to %s and stores nothing', (url) => {
  const { world, client } = withDraft()
  expect(client.run(`a APPEND Sent CATENATE (URL "${url}")`)).toContain(`a NO [BADURL "${url}"]`)
  expect(uidsOf(world, 'Sent')).toEqual([])
})

test('the mailbox of a URL is percent-encoded UTF-8, not modified UTF-7', () => {
  const world = createWorld({ mailboxes: [{ name: 'Entwürfe' }] })
  const client = world.login()
  append(client, 'Entw&APw-rfe', message('one'))
  expect(client.run('a APPEND INBOX CATENATE (URL "/Entw%C3%BCrfe/;UID=1")')).toContain('a OK')
  expect(client.run('b APPEND INBOX CATENATE (URL "/Entw&APw-rfe/;UID=1")')).toContain('b NO [BADURL')
})

test('a bad URL is told before the next literal is asked for, and unasked literals are skipped', () => {
  const { client } = withDraft()
  expect(client.run('a APPEND Drafts CATENATE (URL "/Drafts/;UID=99" TEXT {4}')).toContain('a NO [BADURL')
  expect(client.send('b APPEND Drafts CATENATE (URL "/Drafts/;UID=99" TEXT {4+}\r\nabcd)\r\nc NOOP\r\n')).toMatch(
    /^b NO \[BADURL[^\n]*\nc OK/u,
  )
})

test('an expunged source is BADURL', () => {
  const { world, client } = withDraft()
  world.selected().run('a STORE 1 +FLAGS (\\Deleted)')
  world.selected().run('b EXPUNGE')
  expect(client.run('c APPEND Sent CATENATE (URL "/Drafts/;UID=1")')).toContain('c NO [BADURL')
})

test('CATENATE without parts, and with unknown ones, is BAD', () => {
  const { client } = withDraft()
  expect(client.run('a APPEND Drafts CATENATE ()')).toMatch(/^a BAD/u)
  expect(client.run('b APPEND Drafts CATENATE (FOO "x")')).toMatch(/^b BAD/u)
  expect(client.run('c APPEND Drafts CATENATE (URL ";UID=1"')).toMatch(/^c BAD/u)
})

test('UID REPLACE tells the new UID, then expunges the old message, in one step', () => {
  const { world, client } = withDraft()
  const watcher = world.selected()
  const seen: (readonly number[])[] = []
  world.store.find('alice', 'Drafts')?.subscribe(() => seen.push(uidsOf(world)))
  const answer = client.runWithLiterals('a UID REPLACE 1 Drafts (\\Draft) ', message('new'), '')
  expect(lines(answer)).toEqual([
    '* OK [APPENDUID 1001 2] Replacement message saved',
    '* 1 EXPUNGE',
    '* 1 EXISTS',
    '* 1 RECENT',
    'a OK Replace completed',
  ])
  expect(seen).toEqual([[2]])
  expect(bytesOf(world, 2)).toBe(message('new'))
  expect(watcher.run('b NOOP')).toContain('* 1 EXPUNGE\r\n* 1 EXISTS')
})

test('REPLACE goes by number, and into another mailbox', () => {
  const { world, client } = withDraft()
  const answer = client.runWithLiterals('a REPLACE 1 Sent (\\Seen) "01-Jan-2024 00:00:00 +0000" ', message('new'), '')
  expect(answer).toContain('* OK [APPENDUID 1002 1]')
  expect(answer).toContain('* 1 EXPUNGE')
  expect(uidsOf(world)).toEqual([])
  expect(world.store.find('alice', 'Sent')?.messages()[0]?.flags).toEqual(['\\Seen'])
})

test('REPLACE refuses what is not there before the literal, and replaces nothing', () => {
  const { world, client } = withDraft()
  expect(client.run('a UID REPLACE 9 Drafts {9}')).toBe('a NO No such message\r\n')
  expect(client.run('b REPLACE 9 Drafts {9}')).toMatch(/^b BAD/u)
  expect(client.run('c REPLACE 1 nowhere {9}')).toContain('c NO [TRYCREATE]')
  expect(client.run('d UID REPLACE 1:2 Drafts {9}')).toMatch(/^d BAD/u)
  client.run('e UNSELECT')
  expect(client.run('f REPLACE 1 Drafts {9}')).toBe('f BAD No mailbox selected\r\n')
  expect(uidsOf(world)).toEqual([1])
})

test('a REPLACE whose literal is cut leaves the old message', () => {
  const { world, client } = withDraft()
  client.send(`a UID REPLACE 1 Drafts {${message('new').length}+}\r\n${message('new').slice(0, 20)}`)
  expect(uidsOf(world)).toEqual([1])
})

test('REPLACE with CATENATE may take parts of the very message it replaces', () => {
  const { world, client } = withDraft()
  const answer = client.runWithLiterals(
    'a UID REPLACE 1 Drafts (\\Draft) CATENATE (TEXT ',
    'Subject: edited\r\n\r\n',
    ' URL "/Drafts;UIDVALIDITY=1001/;UID=1/;SECTION=2")',
  )
  expect(answer).toContain('a OK')
  expect(uidsOf(world)).toEqual([2])
  expect(bytesOf(world, 2)).toBe('Subject: edited\r\n\r\nQUJD')
})

test('REPLACE with a bad URL replaces nothing', () => {
  const { world, client } = withDraft()
  expect(client.run('a UID REPLACE 1 Drafts CATENATE (URL "/Drafts/;UID=9")')).toContain('a NO [BADURL')
  expect(uidsOf(world)).toEqual([1])
})
