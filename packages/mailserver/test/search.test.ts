import { expect, test } from 'vitest'

import { append, createWorld, type TestClient } from './harness.ts'

const letters: readonly (readonly [flags: string, date: string, octets: string])[] = [
  [
    '(\\Seen \\Flagged)',
    '"01-Jan-2024 10:00:00 +0000"',
    'From: Ann <ann@example.test>\r\nTo: bob@example.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n' +
      'Message-ID: <one-1@example.test>\r\nDate: Sun, 31 Dec 2023 23:00:00 -0800\r\n\r\nplain words\r\n',
  ],
  [
    '(\\Deleted $Label)',
    '"05-Jan-2024 23:30:00 +0000"',
    'From: Cid <cid@example.test>\r\nCc: ann@example.test\r\nSubject: second\r\nX-Token: abc\r\n' +
      'Message-ID: <one-12@example.test>\r\nDate: Fri, 5 Jan 2024 10:00:00 +0000\r\n' +
      'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\nc2No9m5lIFdvcnRl\r\n',
  ],
  [
    '(\\Draft)',
    '"09-Jan-2024 10:00:00 +0000"',
    'Subject: third\r\n\t  folded\r\n over\r\nBcc: dan@example.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
      '--b\r\nContent-Type: application/octet-stream\r\n\r\nHIDDEN\r\n--b\r\n\r\n' +
      `visible ${'x'.repeat(500)}\r\n--b--\r\n`,
  ],
]

function searching(): TestClient {
  const client = createWorld().selected()
  for (const [flags, date, octets] of letters) append(client, 'Drafts', octets, `${flags} ${date}`)
  return client
}

const found = (client: TestClient, keys: string): readonly number[] => {
  const [line = ''] = client.run(`s SEARCH ${keys}`).split('\r\n')
  expect(line).toMatch(/^\* SEARCH/u)
  return line.split(' ').slice(2).map(Number)
}

const searches: readonly (readonly [keys: string, sequence: readonly number[]])[] = [
  ['ALL', [1, 2, 3]],
  ['SEEN', [1]],
  ['UNSEEN', [2, 3]],
  ['FLAGGED', [1]],
  ['UNFLAGGED', [2, 3]],
  ['DELETED', [2]],
  ['UNDELETED DRAFT', [3]],
  ['UNDRAFT UNANSWERED', [1, 2]],
  ['KEYWORD $label', [2]],
  ['UNKEYWORD $Label', [1, 3]],
  ['NEW', [2, 3]],
  ['RECENT', [1, 2, 3]],
  ['OLD', []],
  ['2:*', [2, 3]],
  ['UID 1,3', [1, 3]],
  ['UID 99:*', [3]],
  ['FROM ann@', [1]],
  ['TO BOB', [1]],
  ['CC ann', [2]],
  ['BCC dan', [3]],
  ['SUBJECT second', [2]],
  ['SUBJECT "folded over"', [3]],
  ['HEADER Message-ID one-1', [1, 2]],
  ['HEADER Message-ID <one-1@example.test>', [1]],
  ['HEADER X-Token ""', [2]],
  ['HEADER X-None ""', []],
  ['LARGER 500', [3]],
  ['SMALLER 500', [1, 2]],
  ['BEFORE 5-Jan-2024', [1]],
  ['ON 5-Jan-2024', [2]],
  ['SINCE 5-Jan-2024', [2, 3]],
  ['SENTBEFORE 1-Jan-2024', [1, 3]],
  ['SENTON "5-Jan-2024"', [2]],
  ['SENTSINCE 1-Jan-2024', [2]],
  ['BODY words', [1]],
  ['BODY hidden', []],
  ['BODY visible', [3]],
  ['TEXT second', [2]],
  ['NOT SEEN', [2, 3]],
  ['OR SEEN DELETED', [1, 2]],
  ['(OR (SEEN) (DELETED)) NOT FLAGGED', [2]],
  ['CHARSET UTF-8 SUBJECT second', [2]],
]

test.each(searches)('SEARCH %s', (keys, sequence) => {
  expect(found(searching(), keys)).toEqual(sequence)
})

const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

test('texts are found in their charsets: encoded words in headers, transfer encodings in bodies', () => {
  const client = searching()
  expect(client.runWithLiterals('s SEARCH CHARSET UTF-8 SUBJECT ', utf8('grüße'), '')).toContain('* SEARCH 1\r\n')
  expect(client.runWithLiterals('s SEARCH CHARSET UTF-8 BODY ', utf8('schöne'), '')).toContain('* SEARCH 2\r\n')
})

test('UID SEARCH gives UIDs', () => {
  const client = searching()
  client.run('a UID EXPUNGE 2')
  expect(client.run('b UID SEARCH DRAFT')).toContain('* SEARCH 3\r\n')
  expect(client.run('c SEARCH DRAFT')).toContain('* SEARCH 2\r\n')
})

test('an unknown key is BAD, an unknown charset NO with BADCHARSET', () => {
  const client = searching()
  expect(client.run('a SEARCH FOO')).toMatch(/^a BAD/u)
  expect(client.run('b SEARCH ON tomorrow')).toMatch(/^b BAD/u)
  expect(client.run('c SEARCH')).toMatch(/^c BAD/u)
  expect(client.run('d SEARCH CHARSET KOI8-R SUBJECT x')).toContain('d NO [BADCHARSET')
})
