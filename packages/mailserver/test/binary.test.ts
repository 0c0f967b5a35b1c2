import { expect, test } from 'vitest'

import { append, bytesOf, createWorld, message, uidsOf, type TestClient, type World } from './harness.ts'

const octets = `%PDF\0\xff\n\r\0${'0123456789'.repeat(20)}`

const mixed = (encoding: string, body: string, field = 'Content-Transfer-Encoding'): string =>
  [
    'Subject: parts',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'first',
    '--b',
    'X-Content-Transfer-Encoding: binary',
    `${field}: ${encoding}`,
    'Content-Type: application/pdf',
    '',
    body,
    '--b--',
    '',
  ].join('\r\n')

const embedded = (encoding: string, body: string): string =>
  `Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`

const nested = (encoding: string, body: string): string =>
  `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${embedded(encoding, body)}\r\n--b\r\n${embedded(encoding, body)}\r\n--b--\r\n`

/** APPEND of a literal8. */
const append8 = (client: TestClient, text: string, plus = ''): string => {
  const answer = client.send(`a APPEND Drafts ~{${text.length}${plus}}\r\n`)
  return plus === '' && answer !== '+ OK\r\n' ? answer : client.send(`${text}\r\n`)
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64').replaceAll(/.{76}/gu, '$&\r\n')

function started(): { readonly world: World; readonly client: TestClient } {
  const world = createWorld()
  return { world, client: world.selected() }
}

test.each(['', '+'])('a part that came in eight bits (~{n%s}) is stored as base64 and comes back decoded', (plus) => {
  const { world, client } = started()
  expect(append8(client, mixed('BINARY', octets), plus)).toContain('a OK [APPENDUID 1001 1]')
  expect(bytesOf(world, 1)).toBe(mixed('base64', base64(octets)))
  const answer = client.run('b FETCH 1 (BINARY.SIZE[2] BINARY.PEEK[2])')
  expect(answer).toContain(`BINARY.SIZE[2] ${octets.length} BINARY[2] ~{${octets.length}}\r\n${octets})\r\n`)
  expect(client.run('c FETCH 1 BINARY.PEEK[2]<4.3>')).toContain('BINARY[2]<4> ~{3}\r\n\0\xff\n)')
})

test('parts of a message inside a message, and several of them, are converted each', () => {
  const { world, client } = started()
  append8(client, nested('binary', 'a\0b'))
  expect(bytesOf(world, 1)).toBe(nested('base64', base64('a\0b')))
})

test('NULs may come in a literal8 and nowhere else', () => {
  const { world, client } = started()
  expect(append8(client, 'Subject: x\r\n\r\na\0b\r\n')).toContain('a OK')
  expect(append(client, 'Drafts', 'Subject: x\r\n\r\na\0b\r\n')).toContain('app NO Message contains NUL')
  expect(uidsOf(world)).toEqual([1])
  expect(client.run('b FETCH 1 BODY.PEEK[TEXT]')).toContain('BODY[TEXT] ~{5}\r\na\0b\r\n)')
})

test('a literal8 may be a TEXT of CATENATE, and no mailbox name and no password', () => {
  const { world, client } = started()
  const text = mixed('binary', octets)
  client.send(`a APPEND Drafts CATENATE (TEXT ~{${text.length}}\r\n`)
  expect(client.send(`${text})\r\n`)).toContain('a OK')
  expect(bytesOf(world, 1)).toBe(mixed('base64', base64(octets)))
  expect(client.run('b STATUS ~{6}')).toMatch(/^b BAD/u)
  expect(client.run('c SELECT Drafts')).toContain('c OK')
  client.send('d APPEND ~{6}\r\n')
  expect(client.send('Drafts {3+}\r\nabc\r\n')).toMatch(/^d BAD/u)
})

test('BINARY decodes base64 and quoted-printable, and leaves the rest as it is', () => {
  const { client } = started()
  append(client, 'Drafts', mixed('base64', 'QUJD\r\nREVG'))
  append(client, 'Drafts', mixed('quoted-printable', 'a=3D=\r\nb'))
  append(client, 'Drafts', mixed('8bit', 'a=3D'))
  const [first, second, third] = [1, 2, 3].map((uid) =>
    client.run(`a UID FETCH ${uid} (BINARY.PEEK[2] BINARY.SIZE[2])`),
  )
  expect(first).toContain('BINARY[2] {6}\r\nABCDEF BINARY.SIZE[2] 6)')
  expect(second).toContain('BINARY[2] {3}\r\na=b BINARY.SIZE[2] 3)')
  expect(third).toContain('BINARY[2] {4}\r\na=3D BINARY.SIZE[2] 4)')
})

test('an unknown transfer encoding is UNKNOWN-CTE, and what else was asked is told', () => {
  const { client } = started()
  append(client, 'Drafts', mixed('x-uuencode', 'abc'))
  append(client, 'Drafts', message('fine'))
  const answer = client.run('a FETCH 1:2 (UID BINARY.PEEK[2])')
  expect(answer).toContain('* 1 FETCH (UID 1)\r\n')
  expect(answer).toContain('* 2 FETCH (UID 2 BINARY[2] NIL)\r\n')
  expect(answer).toContain('a NO [UNKNOWN-CTE] ')
  expect(client.run('b FETCH 1 BINARY.SIZE[2]')).toContain('b NO [UNKNOWN-CTE] ')
  expect(client.run('c FETCH 1 BODY.PEEK[2]')).toContain('abc')
})

test('BINARY sets \\Seen, BINARY.PEEK and BINARY.SIZE do not; a header has no decoded form', () => {
  const { client } = started()
  append(client, 'Drafts', message('one'))
  client.run('a FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])')
  expect(client.run('b FETCH 1 FLAGS')).toContain('FLAGS (\\Recent)')
  expect(client.run('c FETCH 1 BINARY[1]')).toContain('FLAGS (\\Seen \\Recent)')
  expect(client.run('d FETCH 1 BINARY.PEEK[HEADER]')).toMatch(/^d BAD/u)
})

test('ten megabytes in eight bits come back octet for octet', () => {
  const { world, client } = started()
  const large = Array.from({ length: 10 * 1024 }, (_, index) => String.fromCharCode(index % 256).repeat(1024)).join('')
  expect(append8(client, mixed('binary', large))).toContain('a OK')
  expect(bytesOf(world, 1)?.length).toBeGreaterThan((large.length * 4) / 3)
  const answer = client.run('b FETCH 1 BINARY.PEEK[2]')
  // Not toBe: a difference of ten megabytes is not to be printed.
  expect(answer.includes(`~{${large.length}}\r\n${large})\r\n`)).toBe(true)
})

test.each(['7bit', '8bit', 'quoted-printable', 'base64', 'x-binary'])(
  'a part in %s stays as it is in a literal8',
  (encoding) => {
    const { world, client } = started()
    append8(client, mixed(encoding, 'QUJD'))
    expect(bytesOf(world, 1)).toBe(mixed(encoding, 'QUJD'))
  },
)
