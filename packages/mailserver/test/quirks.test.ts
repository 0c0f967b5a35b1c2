import { expect, test } from 'vitest'

import { createMailServer, type MailServerOptions, type Quirks } from '../src/index.ts'
import { append, bytesOf, createWorld, lines, message, uidsOf, users, type TestClient, type World } from './harness.ts'
import { connectTo } from './sockets.ts'

const withQuirks = (quirks: Quirks): { readonly world: World; readonly client: TestClient } => {
  const world = createWorld({ quirks })
  return { world, client: world.selected() }
}

const off: Quirks = {}

test.each([
  [off, []],
  [{ storesTruncatedLiterals: true }, ['Subject: x\r\n\r\nhalf']],
])('a literal that is cut off: with %j there is %j', (quirks, stored) => {
  const { world, client } = withQuirks(quirks)
  world.faults.add({ on: { bytes: 42, direction: 'client-to-server' }, do: { kind: 'cut', by: 'rst' } })
  client.send('a APPEND Drafts {100+}\r\nSubject: x\r\n\r\nhalf of it')
  expect(client.closed).toBe('rst')
  expect(uidsOf(world).map((uid) => bytesOf(world, uid))).toEqual(stored)
})

test('a literal that came in whole is stored once, cut or not', () => {
  const { world, client } = withQuirks({ storesTruncatedLiterals: true })
  append(client, 'Drafts', message('one'))
  client.run('b LOGOUT')
  expect(uidsOf(world)).toEqual([1])
})

const catenate = 'CATENATE (URL "/Drafts/;UID=1/;SECTION=HEADER" URL "/Drafts/;UID=1/;SECTION=7")'

test('CATENATE with a part that does not exist is BADURL, or goes without it', () => {
  const strict = withQuirks(off)
  append(strict.client, 'Drafts', message('one'))
  expect(strict.client.run(`a APPEND Drafts ${catenate}`)).toContain('a NO [BADURL')
  const { world, client } = withQuirks({ dropsMissingCatenateParts: true })
  append(client, 'Drafts', message('one'))
  expect(client.run(`a APPEND Drafts ${catenate}`)).toContain('a OK [APPENDUID')
  expect(bytesOf(world, 2)).toBe(message('one').slice(0, message('one').indexOf('\r\n\r\n') + 4))
})

test('without CATENATE, APPEND CATENATE is BAD, or stores a message of no octets', () => {
  const quirks = { storesNothingForCatenate: true }
  const world = createWorld({ without: ['CATENATE'], quirks })
  const client = world.selected()
  append(client, 'Drafts', message('one'))
  expect(client.run('a CAPABILITY')).not.toContain('CATENATE')
  expect(client.runWithLiterals('b APPEND Drafts CATENATE (TEXT ', 'Subject: x\r\n\r\n', ' URL "x")')).toContain('b OK')
  expect(bytesOf(world, 2)).toBe('')
})

test.each([
  [off, []],
  [{ ignoresChangesAfterAppend: true }, [1]],
])('STORE and EXPUNGE right after an APPEND: with %j there remain %j', (quirks, remaining) => {
  const { world, client } = withQuirks(quirks)
  append(client, 'Drafts', message('one'))
  expect(client.run('a UID STORE 1 +FLAGS (\\Deleted)')).toContain('a OK')
  expect(client.run('b UID EXPUNGE 1')).toContain('b OK')
  expect(uidsOf(world)).toEqual(remaining)
  client.run('c NOOP')
  client.run('d UID STORE 1 +FLAGS (\\Deleted)')
  client.run('e UID EXPUNGE 1')
  expect(uidsOf(world)).toEqual([])
})

test.each([
  [off, ['app OK [APPENDUID 1001 1] Append completed']],
  [{ appendUid: 'absent' }, ['app OK Append completed']],
  [{ appendUid: 'swapped' }, ['app OK [APPENDUID 1 1001] Append completed']],
  [{ appendUid: 'untagged' }, ['* OK [APPENDUID 1001 1] Message saved', 'app OK Append completed']],
] as const)('the answer to an APPEND with %j', (quirks, answer) => {
  const client = createWorld({ quirks }).login()
  expect(lines(append(client, 'Drafts', message('one')))).toEqual(answer)
})

test('REPLACE has its code absent or swapped too', () => {
  const codes = (['absent', 'swapped'] as const).map((appendUid) => {
    const { client } = withQuirks({ appendUid })
    append(client, 'Drafts', message('one'))
    return client.runWithLiterals('a UID REPLACE 1 Drafts ', message('two'), '')
  })
  expect(codes[0]).not.toContain('APPENDUID')
  expect(codes[1]).toContain('[APPENDUID 2 1001]')
})

test.each([
  ['with-new-uid-validity', false],
  ['with-same-uid-validity', true],
] as const)('a restart that forgets, %s', async (forgetsAtRestart, same) => {
  const server = createMailServer({ users, quirks: { forgetsAtRestart } })
  const appended = async (): Promise<string> => {
    const client = connectTo(server.imapPort)
    await client.until(/\r\n/u)
    await client.run('a LOGIN alice secret')
    client.write(`b APPEND Drafts {${message('one').length}+}\r\n${message('one')}\r\n`)
    const answer = await client.until(/b .*\r\n/u)
    client.destroy()
    return /APPENDUID (\d+ \d+)/u.exec(answer)?.[1] ?? answer
  }
  await server.listen()
  const before = await appended()
  expect(before).toMatch(/ 1$/u)
  await server.close()
  await server.listen()
  try {
    expect(server.mailbox('alice', 'Drafts')).toEqual([])
    const after = await appended()
    expect(after).toMatch(/ 1$/u)
    expect(after === before).toBe(same)
  } finally {
    await server.close()
  }
})

test.each([
  [off, false],
  [{ reusesUidValidity: true }, true],
])('a mailbox deleted and made again: with %j it has the same UIDVALIDITY: %s', (quirks, same) => {
  const { client } = withQuirks(quirks)
  const made = (): string => {
    client.run('a CREATE x')
    return append(client, 'x', message('one')).replace('app ', '')
  }
  const first = made()
  client.run('b DELETE x')
  expect(made() === first).toBe(same)
})

test('Message-IDs are rewritten, each to another, and private headers dropped', () => {
  const { world, client } = withQuirks({ rewritesMessageIds: true, dropsPrivateHeaders: true })
  const octets = message('one').replace('\r\nDate', '\r\nX-Everdraft-Id: abc\r\n folded\r\nDate')
  append(client, 'Drafts', octets)
  append(client, 'Drafts', octets)
  const [first, second] = [bytesOf(world, 1), bytesOf(world, 2)]
  expect(first).toBe(message('one').replace('<one@example.test>', '<rewritten.1001.1@mail.example.com>'))
  expect(second).toContain('Message-ID: <rewritten.1001.2@mail.example.com>\r\n')
})

test('keywords are kept in lower case, and system flags are not touched', () => {
  const { client } = withQuirks({ lowerCasesKeywords: true })
  append(client, 'Drafts', message('one'), '($Forwarded \\Draft)')
  client.run('a STORE 1 +FLAGS (Project)')
  expect(client.run('b FETCH 1 FLAGS')).toContain('FLAGS (\\Draft \\Recent $forwarded project)')
})

test('CREATE (USE …) says OK and sets nothing', () => {
  const { client } = withQuirks({ ignoresCreateUse: true })
  expect(client.run('a CREATE x (USE (\\Archive))')).toContain('a OK')
  expect(client.run('b LIST "" x')).not.toContain('\\Archive')
})

test('special uses are listed in lower case', () => {
  const { client } = withQuirks({ lowerCasesSpecialUse: true })
  expect(client.run('a LIST "" Drafts')).toContain('\\drafts')
  expect(client.run('b LIST (SPECIAL-USE) "" *')).toContain('\\sent')
})

test('IDLE tells nothing before DONE', () => {
  const { world, client } = withQuirks({ neverPushes: true })
  client.run('a IDLE')
  append(world.login(), 'Drafts', message('one'))
  expect(client.unasked()).toBe('')
  expect(client.run('DONE')).toContain('* 1 EXISTS')
})

test.each([
  [off, undefined],
  [{ bareNewlines: 'rewritten' }, 'Subject: x\r\n\r\na\r\nb\r\n'],
  [{ bareNewlines: 'kept' }, 'Subject: x\r\n\r\na\nb\r\n'],
] as const)('a bare LF with %j is stored as %j', (quirks, stored) => {
  const { world, client } = withQuirks(quirks)
  const answer = append(client, 'Drafts', 'Subject: x\r\n\r\na\nb\r\n')
  expect(answer).toContain(stored === undefined ? 'app NO' : 'app OK')
  expect(bytesOf(world, 1)).toBe(stored)
})

test.each([
  [off, ['* 1 EXPUNGE', '* 1 EXISTS']],
  [{ tellsExistsFirst: true }, ['* 2 EXISTS', '* 1 EXPUNGE']],
])('what REPLACE changes is told in this order with %j: %j', (quirks, order) => {
  const { client } = withQuirks(quirks)
  append(client, 'Drafts', message('one'))
  const answer = client.runWithLiterals('a UID REPLACE 1 Drafts ', message('two'), '')
  expect(lines(answer).filter((line) => /EXPUNGE|EXISTS/u.test(line))).toEqual(order)
})

test('REPLACE of a UID that was just expunged elsewhere is OK, as everywhere', () => {
  const { world, client } = withQuirks(off)
  append(client, 'Drafts', message('one'), '(\\Deleted)')
  world.selected().run('x UID EXPUNGE 1')
  expect(client.runWithLiterals('a UID REPLACE 1 Drafts ', message('two'), '')).toContain('a OK')
  expect(uidsOf(world)).toEqual([2])
})

test('APPENDLIMIT is announced as 2^63−1, though there is no limit', () => {
  const { client } = withQuirks({ announcesHugeAppendLimit: true })
  expect(client.run('a CAPABILITY')).toContain(' APPENDLIMIT=9223372036854775807')
  expect(client.run('b STATUS Drafts (APPENDLIMIT)')).toContain('APPENDLIMIT 9223372036854775807')
  expect(append(client, 'Drafts', message('one'))).toContain('app OK')
})

test('a non-synchronizing literal over 4,096 octets is BYE with LITERAL-, and nothing is stored', () => {
  const world = createWorld({ without: ['LITERAL+'], capabilities: ['LITERAL-', 'UIDPLUS'] })
  const client = world.login()
  expect(client.send('a APPEND Drafts {4097+}\r\n')).toMatch(/^\* BYE/u)
  expect(client.closed).toBe('fin')
})

function submit(world: World): void {
  const client = world.smtp()
  const plain = Buffer.from('\0alice\0secret').toString('base64')
  client.send(
    `EHLO x\r\nAUTH PLAIN ${plain}\r\nMAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n`,
  )
  client.send(`${message('sent')}.\r\n`)
}

test.each([
  ['kept', message('sent')],
  ['rewritten', /^Message-ID: <sent\.1\.\d+@mail\.example\.com>\r\nDate/mu],
  ['rewritten-by-google', /^X-Google-Original-Message-ID: <sent@example\.test>\r$/mu],
  ['rewritten-by-microsoft', /^X-Microsoft-Original-Message-ID: <sent@example\.test>\r$/mu],
] as const)('the server files what was submitted after its time, the Message-ID %s', (messageId, expected) => {
  const world = createWorld({ quirks: { filesSentCopies: { afterMs: 5000, messageId } } })
  submit(world)
  world.advance(4999)
  expect(uidsOf(world, 'Sent')).toEqual([])
  world.advance(1)
  expect(uidsOf(world, 'Sent')).toEqual([1])
  const filed = bytesOf(world, 1, 'Sent') ?? ''
  if (typeof expected === 'string') expect(filed).toBe(expected)
  else expect(filed).toMatch(expected)
  expect(world.store.find('alice', 'Sent')?.messages()[0]?.flags).toEqual(['\\Seen'])
})

test('without the quirk nothing is filed', () => {
  const world = createWorld()
  submit(world)
  world.advance(100_000)
  expect(uidsOf(world, 'Sent')).toEqual([])
})

test('over TCP the copy is filed too', async () => {
  const server = createMailServer({ users, quirks: { filesSentCopies: { afterMs: 0, messageId: 'kept' } } })
  await server.listen()
  try {
    const client = connectTo(server.smtpPort)
    const plain = Buffer.from('\0alice\0secret').toString('base64')
    client.write(`EHLO x\r\nAUTH PLAIN ${plain}\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n`)
    await client.until(/354.*\r\n/u)
    client.write(`${message('sent')}.\r\n`)
    await client.until(/250 2\.0\.0 OK: accepted\r\n/u)
    await expect.poll(() => server.mailbox('alice', 'Sent').length).toBe(1)
    client.destroy()
  } finally {
    await server.close()
  }
})

const gmail = (): World =>
  createWorld({
    without: [],
    capabilities: ['UIDPLUS', 'MOVE', 'SPECIAL-USE', 'X-GM-EXT-1'],
    quirks: { archivesExpunged: true },
    mailboxes: [
      { name: 'INBOX' },
      { name: '[Gmail]/All Mail', specialUse: '\\All' },
      { name: '[Gmail]/Drafts', specialUse: '\\Drafts' },
      { name: '[Gmail]/Sent Mail', specialUse: '\\Sent' },
      { name: '[Gmail]/Trash', specialUse: '\\Trash' },
      { name: 'work' },
    ],
  })

test('as on Gmail: EXPUNGE takes the label away, and the message stays in All Mail', () => {
  const world = gmail()
  const client = world.selected('"[Gmail]/Drafts"')
  append(client, '"[Gmail]/Drafts"', message('one'), '(\\Deleted)')
  client.run('a COPY 1 work')
  const told = client.run('b FETCH 1 (X-GM-MSGID X-GM-THRID X-GM-LABELS)')
  const id = /X-GM-MSGID (\d+)/u.exec(told)?.[1]
  expect(told).toContain('X-GM-LABELS (\\Draft work)')
  expect(uidsOf(world, '[Gmail]/All Mail')).toEqual([1])
  client.run('c UID EXPUNGE 1')
  expect(uidsOf(world, '[Gmail]/Drafts')).toEqual([])
  expect(uidsOf(world, '[Gmail]/All Mail')).toEqual([1])
  const all = world.selected('"[Gmail]/All Mail"')
  expect(all.run(`d UID SEARCH X-GM-MSGID ${id}`)).toContain('* SEARCH 1\r\n')
  expect(all.run('e FETCH 1 X-GM-LABELS')).toContain('X-GM-LABELS (work)')
})

test('as on Gmail: what is moved to Trash has no other label, and EXPUNGE there ends it', () => {
  const world = gmail()
  const client = world.selected('"[Gmail]/Drafts"')
  append(client, '"[Gmail]/Drafts"', message('one'))
  append(client, '"[Gmail]/Drafts"', message('two'))
  client.run('a COPY 1 work')
  expect(client.run('b UID MOVE 1 "[Gmail]/Trash"')).toContain('COPYUID')
  const counts = (): readonly number[] =>
    ['[Gmail]/Drafts', '[Gmail]/All Mail', 'work', '[Gmail]/Trash'].map((name) => uidsOf(world, name).length)
  expect(counts()).toEqual([1, 1, 0, 1])
  const trash = world.selected('"[Gmail]/Trash"')
  trash.run('c UID STORE 1 +FLAGS (\\Deleted)')
  trash.run('d UID EXPUNGE 1')
  expect(counts()).toEqual([1, 1, 0, 0])
})

test.each([
  [/^quirks\.appendUids: unknown quirk/u, { appendUids: 'swapped' }],
  [/^quirks\.appendUid: must be one of absent, swapped, untagged/u, { appendUid: 'wrong' }],
  [/^quirks\.filesSentCopies\.afterMs: /u, { filesSentCopies: { afterMs: -1, messageId: 'kept' } }],
  [/^quirks\.filesSentCopies\.messageId: /u, { filesSentCopies: { afterMs: 1, messageId: 'lost' } }],
])('a bad quirk is named: %s', (problem, quirks) => {
  // A caller without types, as JavaScript has them.
  expect(() => createMailServer({ users, quirks } as MailServerOptions)).toThrow(problem)
})
