import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { connectRaw } from '@everdraft/testkit'
import { expect, test } from 'vitest'
import { factsOf } from './facts.ts'

/** The facts of these lines, as a client gets them from the wire. */
async function facts(...untagged: readonly string[]) {
  const server = createServer((socket) => {
    socket.write('* OK ready\r\n')
    socket.once('data', () => socket.end([...untagged, 't1 OK done', ''].join('\r\n'), 'latin1'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const imap = await connectRaw({ port: (server.address() as AddressInfo).port })
  const reply = await imap.command('NOOP')
  imap.close()
  server.close()
  return factsOf(reply)
}

const structure = (type: string, value: string): string =>
  `* 1 FETCH (BODYSTRUCTURE (${type} ("Name" ${value}) NIL NIL "7bit" 3 1))`

test.each<[what: string, one: readonly string[], other: readonly string[]]>([
  ['the form of a string', ['* 1 FETCH (BODY[] {3}\r\nabc UID 1)'], ['* 1 FETCH (UID 1 BODY[] "abc")']],
  ['the way of telling what was expunged', ['* 2 EXPUNGE', '* 1 EXPUNGE'], ['* 1 EXPUNGE', '* 1 EXPUNGE']],
  [
    'the order and case of flags, and \\Recent',
    [String.raw`* 1 FETCH (FLAGS (\Seen \Draft))`],
    [String.raw`* 1 FETCH (FLAGS (\draft \Recent \SEEN))`],
  ],
  ['the case of types', [structure('"text" "plain"', '"a"')], [structure('"TEXT" "PLAIN"', '{1}\r\na')]],
  ['the value of UIDVALIDITY', ['* OK [APPENDUID 17 4] x'], ['* OK [APPENDUID 99 4] y']],
  [
    'the time zone of a moment',
    ['* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700")'],
    ['* 1 FETCH (INTERNALDATE "17-Jul-1996 09:44:25 +0000")'],
  ],
  ['the order of responses', ['* 1 EXISTS', '* OK [UIDNEXT 2] x'], ['* OK [UIDNEXT 2] y', '* 1 EXISTS']],
  [
    'the order of ESEARCH results',
    ['* ESEARCH (TAG "a") UID MIN 1 COUNT 2'],
    ['* ESEARCH (TAG "b") UID COUNT 2 MIN 1'],
  ],
])('%s is overlooked', async (_, one, other) => {
  expect(await facts(...one)).toEqual(await facts(...other))
})

test.each<[what: string, one: readonly string[], other: readonly string[]]>([
  ['an empty part from one that is not there', ['* 1 FETCH (BODY[1] "")'], ['* 1 FETCH (BODY[1] NIL)']],
  ['the string "NIL" from NIL', ['* 1 FETCH (BODY[1] "NIL")'], ['* 1 FETCH (BODY[1] NIL)']],
  ['one byte of a body', ['* 1 FETCH (BODY[1] {5}\r\nabc\r\n)'], ['* 1 FETCH (BODY[1] "abc")']],
  ['which messages were expunged', ['* 1 EXPUNGE', '* 2 EXPUNGE'], ['* 1 EXPUNGE', '* 1 EXPUNGE']],
  ['a flag', [String.raw`* 1 FETCH (FLAGS (\Seen))`], ['* 1 FETCH (FLAGS ())']],
  ['the value of a parameter', [structure('"text" "plain"', '"a"')], [structure('"text" "plain"', '"A"')]],
  ['a UID', ['* OK [APPENDUID 17 4] x'], ['* OK [APPENDUID 17 5] x']],
  [
    'a moment',
    ['* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700")'],
    ['* 1 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 +0000")'],
  ],
  ['what is found', ['* SEARCH 1 2'], ['* SEARCH 1']],
  ['nothing found from no answer', ['* SEARCH'], []],
])('%s is told apart', async (_, one, other) => {
  expect(await facts(...one)).not.toEqual(await facts(...other))
})
