import { expect, test } from 'vitest'

import { append, createWorld, lines, message, type TestClient } from './harness.ts'

const nested = [
  'From: =?utf-8?q?A?= <a@b.c>',
  'To: "X Y" <x@y.z>, group: q@q.q, r@r.r;, plain@foo (Comment Name)',
  'Subject: Hello',
  ' =?utf-8?q?w=C3=A4?=',
  'Message-ID: <1@x>',
  'Date: Mon, 1 Jan 2024 10:00:00 +0000',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b1"; foo=bar',
  '',
  'preamble',
  '--b1',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'hello',
  'there',
  '--b1',
  'Content-Type: application/pdf; name="a.pdf"',
  'Content-Disposition: attachment; filename="a.pdf"',
  'Content-Transfer-Encoding: base64',
  'Content-ID: <abc@d>',
  '',
  'AAAA',
  '--b1',
  'Content-Type: message/rfc822',
  '',
  'From: in@in.in',
  'Subject: inner',
  'Content-Type: multipart/alternative; boundary=b2',
  '',
  '--b2',
  '',
  'plain',
  '--b2',
  'Content-Type: text/html',
  '',
  '<b>x</b>',
  '--b2--',
  '--b1--',
  'epilogue',
  '',
].join('\r\n')

function fetched(item: string, octets = nested): string {
  const client = createWorld().selected()
  append(client, 'Drafts', octets)
  return client.run(`f FETCH 1 ${item}`).replace(/f OK .*\r\n$/u, '')
}

const literal = (label: string, value: string): string => `* 1 FETCH (${label} {${value.length}}\r\n${value})\r\n`

test('ENVELOPE gives groups, comments as names, and From where Sender and Reply-To are missing', () => {
  const from = '(("=?utf-8?q?A?=" NIL "a" "b.c"))'
  expect(fetched('ENVELOPE')).toBe(
    `* 1 FETCH (ENVELOPE ("Mon, 1 Jan 2024 10:00:00 +0000" "Hello =?utf-8?q?w=C3=A4?=" ${from} ${from} ${from} ` +
      '(("X Y" NIL "x" "y.z")(NIL NIL "group" NIL)(NIL NIL "q" "q.q")(NIL NIL "r" "r.r")(NIL NIL NIL NIL)' +
      '("Comment Name" NIL "plain" "foo")) NIL NIL NIL "<1@x>"))\r\n',
  )
})

test('ENVELOPE keeps what it cannot quote in a literal', () => {
  const answer = fetched('ENVELOPE', 'Subject: a "b"\r\nFrom: x@y\r\n\r\nz\r\n')
  expect(answer).toContain('{5}\r\na "b"')
})

test('BODYSTRUCTURE describes parts, nested messages, dispositions and parameters', () => {
  // With the line break behind the inner closing delimiter, as Dovecot and Cyrus count it.
  const innerSize = nested.indexOf('--b1--') - nested.indexOf('From: in@in.in')
  const inner = '((NIL NIL "in" "in.in"))'
  expect(fetched('BODYSTRUCTURE')).toBe(
    '* 1 FETCH (BODYSTRUCTURE (' +
      '("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 12 1 NIL NIL NIL NIL)' +
      '("application" "pdf" ("name" "a.pdf") "<abc@d>" NIL "base64" 4 NIL ("attachment" ("filename" "a.pdf")) NIL NIL)' +
      `("message" "rfc822" NIL NIL NIL "7bit" ${innerSize} (NIL "inner" ${inner} ${inner} ${inner} NIL NIL NIL NIL NIL) ` +
      '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)' +
      '("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 8 0 NIL NIL NIL NIL) ' +
      '"alternative" ("boundary" "b2") NIL NIL NIL) 12 NIL NIL NIL NIL) ' +
      '"mixed" ("boundary" "b1" "foo" "bar") NIL NIL NIL))\r\n',
  )
})

test('BODY without a section is the structure without its extensions', () => {
  expect(fetched('BODY', message('x'))).toBe(
    '* 1 FETCH (BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1))\r\n',
  )
})

const bodySections: readonly (readonly [section: string, octets: string])[] = [
  ['1', 'hello\r\nthere'],
  ['1.MIME', 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'],
  ['2', 'AAAA'],
  ['3.HEADER', 'From: in@in.in\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n'],
  ['3.MIME', 'Content-Type: message/rfc822\r\n\r\n'],
  ['3.1', 'plain'],
  ['3.2', '<b>x</b>'],
  ['3.2.MIME', 'Content-Type: text/html\r\n\r\n'],
  ['3.HEADER.FIELDS (subject)', 'Subject: inner\r\n\r\n'],
  [
    'HEADER.FIELDS (Subject X-None DATE)',
    'Subject: Hello\r\n =?utf-8?q?w=C3=A4?=\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n\r\n',
  ],
  [
    'HEADER.FIELDS.NOT (From To Subject Content-Type)',
    'Message-ID: <1@x>\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\r\n',
  ],
  ['', nested],
  ['TEXT', nested.slice(nested.indexOf('preamble'))],
  ['HEADER', nested.slice(0, nested.indexOf('preamble'))],
]

test.each(bodySections)('BODY.PEEK[%s] is exactly those octets', (section, octets) => {
  expect(fetched(`BODY.PEEK[${section}]`)).toBe(literal(`BODY[${section}]`, octets))
})

test.each(['4', '1.1', '1.HEADER', '2.TEXT', '3.3', '9.MIME'])(
  'BODY.PEEK[%s], which is not there, is NIL',
  (section) => {
    expect(fetched(`BODY.PEEK[${section}]`)).toBe(`* 1 FETCH (BODY[${section}] NIL)\r\n`)
  },
)

test('a message that is not multipart has itself as part 1', () => {
  expect(fetched('BODY.PEEK[1]', message('x'))).toBe(literal('BODY[1]', 'body\r\n'))
})

test('a partial fetch is cut at the end and names its origin', () => {
  expect(fetched('BODY.PEEK[1]<2.4>')).toBe(literal('BODY[1]<2>', 'llo\r'))
  expect(fetched('BODY.PEEK[2]<2.100>')).toBe(literal('BODY[2]<2>', 'AA'))
  expect(fetched('BODY.PEEK[2]<100.2>')).toBe(literal('BODY[2]<100>', ''))
})

test('RFC822, RFC822.HEADER, RFC822.TEXT and RFC822.SIZE are the old names', () => {
  const octets = message('x')
  const split = octets.indexOf('\r\n\r\n') + 4
  expect(fetched('RFC822.HEADER', octets)).toBe(literal('RFC822.HEADER', octets.slice(0, split)))
  expect(fetched('(RFC822.SIZE)', octets)).toBe(`* 1 FETCH (RFC822.SIZE ${octets.length})\r\n`)
  expect(fetched('RFC822.TEXT', octets)).toContain(`RFC822.TEXT {${octets.length - split}}\r\n${octets.slice(split)}`)
  expect(fetched('RFC822', octets)).toContain(`RFC822 {${octets.length}}\r\n${octets}`)
})

test('the macros stand for their items', () => {
  const octets = message('x')
  expect(fetched('FAST', octets)).toBe(
    `* 1 FETCH (FLAGS (\\Recent) INTERNALDATE "02-Jan-2024 03:04:05 +0000" RFC822.SIZE ${octets.length})\r\n`,
  )
  expect(fetched('ALL', octets)).toContain('ENVELOPE (')
  expect(fetched('FULL', octets)).toMatch(/ENVELOPE \(.*BODY \(/u)
})

const seenAfter = (item: string): string => {
  const client = createWorld().selected()
  append(client, 'Drafts', message('x'))
  client.run(`a FETCH 1 ${item}`)
  return client.run('b FETCH 1 FLAGS')
}

test.each(['BODY[]', 'BODY[TEXT]', 'RFC822', 'RFC822.TEXT', 'BODY[1]<0.1>'])('%s sets \\Seen', (item) => {
  expect(seenAfter(item)).toContain('\\Seen')
})

test.each(['BODY.PEEK[]', 'RFC822.HEADER', 'ENVELOPE', 'BODYSTRUCTURE', 'BODY'])('%s does not set \\Seen', (item) => {
  expect(seenAfter(item)).not.toContain('\\Seen')
})

test('the response that sets \\Seen tells the new flags, once', () => {
  const client = createWorld().selected()
  append(client, 'Drafts', message('x'))
  const answer = client.run('a FETCH 1 BODY[TEXT]')
  expect(answer).toMatch(/^\* 1 FETCH \(FLAGS \(\\Seen \\Recent\) BODY\[TEXT\] \{6\}\r\nbody\r\n\)\r\na OK/u)
  expect(client.run('b FETCH 1 BODY[TEXT]')).not.toContain('FLAGS')
})

const bad = (client: TestClient, command: string): void => {
  expect(client.run(`a ${command}`)).toMatch(/^a BAD/u)
}

test('a UID FETCH carries the UID, takes missing UIDs, and a FETCH by number does not', () => {
  const client = createWorld().selected()
  append(client, 'Drafts', message('one'))
  append(client, 'Drafts', message('two'))
  expect(lines(client.run('a UID FETCH 2:99 FLAGS'))[0]).toBe('* 2 FETCH (UID 2 FLAGS (\\Recent))')
  expect(lines(client.run('b UID FETCH 2 (UID FLAGS)'))[0]).toBe('* 2 FETCH (UID 2 FLAGS (\\Recent))')
  expect(client.run('c UID FETCH 77 FLAGS')).toBe('c OK Fetch completed\r\n')
  bad(client, 'FETCH 3 FLAGS')
  bad(client, 'FETCH 0 FLAGS')
  bad(client, 'FETCH 1')
  bad(client, 'FETCH 1 FOO')
  bad(client, 'FETCH 1 BODY.PEEK')
  bad(client, 'FETCH 1 BODY[MIME]')
  bad(client, 'FETCH 1 BODY[HEADER.FIELDS ()]')
})

test('of two line breaks behind an inner closing delimiter, one belongs to the outer delimiter', () => {
  const inner = '--i\r\n\r\nx\r\n--i--\r\n'
  const head = 'Content-Type: multipart/mixed; boundary='
  const octets = `${head}o\r\n\r\n--o\r\n${head}i\r\n\r\n${inner}\r\n--o--\r\n`
  expect(fetched('BODY.PEEK[1]', octets)).toBe(literal('BODY[1]', inner))
})

test('a line break behind an epilogue belongs to the outer delimiter', () => {
  const inner = '--i\r\n\r\nx\r\n--i--\r\nepilogue'
  const octets = `Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n${inner}\r\n--o--\r\n`
  expect(fetched('BODY.PEEK[1]', octets)).toBe(literal('BODY[1]', inner))
})

const addressLists: readonly (readonly [header: string, addresses: string])[] = [
  ['A. B. Cee <a.b@c.d>', '("A. B. Cee" NIL "a.b" "c.d")'],
  ['"x@y" <"lo cal"@dom>, Joe <joe@[127.0.0.1]>', '("x@y" NIL "lo cal" "dom")("Joe" NIL "joe" "[127.0.0.1]")'],
  ['<@a,@b:u@h>', '(NIL "@a,@b" "u" "h")'],
  ['(c) f@g, a@b (comment)', '(NIL NIL "f" "g")("comment" NIL "a" "b")'],
  ['undisclosed-recipients:;', '(NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)'],
  // A NIL host would make a group of these.
  [
    'bad address, x, <>',
    '("bad address" NIL "MISSING_MAILBOX" "MISSING_DOMAIN")(NIL NIL "x" "MISSING_DOMAIN")(NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN")',
  ],
]

test.each(addressLists)('ENVELOPE reads `To: %s`', (header, addresses) => {
  expect(fetched('ENVELOPE', `Subject: x\r\nTo: ${header}\r\n\r\n`)).toContain(`"x" NIL NIL NIL (${addresses}) NIL`)
})

test('of a field that is there twice, ENVELOPE tells the last', () => {
  expect(fetched('ENVELOPE', 'Subject: first\r\nSubject: second\r\n\r\n')).toContain('(NIL "second" ')
})

test('odd MIME does not break the structure: no boundary, no closing one, no parts at all', () => {
  expect(fetched('BODY', 'Content-Type: multipart/mixed\r\n\r\nx\r\n')).toContain(
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")',
  )
  expect(fetched('BODY', 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nopen')).toContain(
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0) "mixed")',
  )
  expect(fetched('BODY', 'Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n')).toContain(
    '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")',
  )
  expect(fetched('BODY', 'Content-Type: nonsense\r\n\r\nx\r\n')).toContain('("text" "plain"')
})
