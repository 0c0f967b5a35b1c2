import { expect, test } from 'vitest'

import { append, bytesOf, createWorld, lines, message, uidsOf } from './harness.ts'

test('APPEND stores octets, flags and date, and answers APPENDUID', () => {
  const world = createWorld()
  const client = world.login()
  const octets = message('one')
  const answer = client.runWithLiterals('a APPEND Drafts (\\Draft key) "01-Feb-2024 10:00:00 +0200" ', octets, '')
  expect(answer).toBe('a OK [APPENDUID 1001 1] Append completed\r\n')
  const [stored] = world.store.find('alice', 'Drafts')?.messages() ?? []
  expect(stored?.flags).toEqual(['\\Draft', 'key'])
  expect(stored?.internalDateMs).toBe(Date.UTC(2024, 1, 1, 8))
  expect(bytesOf(world, 1)).toBe(octets)
})

test('APPEND to a mailbox that is not there is refused before its literal, with TRYCREATE', () => {
  const client = createWorld().login()
  expect(client.run('a APPEND nowhere (\\Seen) {100}')).toBe('a NO [TRYCREATE] Mailbox does not exist\r\n')
  // Unasked-for octets are skipped and not taken for commands.
  expect(client.send('b APPEND nowhere {8+}\r\nx LOGOUT\r\nc NOOP\r\n')).toBe(
    'b NO [TRYCREATE] Mailbox does not exist\r\nc OK NOOP completed\r\n',
  )
})

test('APPEND refuses unknown system flags, bad dates, empty messages, bare newlines and NULs', () => {
  const world = createWorld()
  const client = world.login()
  expect(client.run('a APPEND Drafts (\\Recent) {3}')).toMatch(/^a BAD/u)
  expect(client.run('b APPEND Drafts "yesterday" {3}')).toMatch(/^b BAD/u)
  expect(client.runWithLiterals('c APPEND Drafts ', '', '')).toMatch(/^c NO/u)
  expect(client.runWithLiterals('d APPEND Drafts ', 'Subject: x\n\nbody', '')).toMatch(/^d NO/u)
  expect(client.runWithLiterals('e APPEND Drafts ', 'Subject: \0\r\n\r\n', '')).toMatch(/^e NO/u)
  expect(uidsOf(world)).toEqual([])
})

test('a connection that ends inside a literal stores nothing', () => {
  const world = createWorld()
  const client = world.login()
  const octets = message('cut')
  client.send(`a APPEND Drafts {${octets.length}+}\r\n${octets.slice(0, -1)}`)
  expect(uidsOf(world)).toEqual([])
  // All octets, but not the end of the command.
  client.send(octets.slice(-1))
  expect(uidsOf(world)).toEqual([])
  client.send('\r\n')
  expect(uidsOf(world)).toEqual([1])
})

test('a UID is not used again after its message is gone', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'), '(\\Deleted)')
  client.run('a EXPUNGE')
  expect(append(client, 'Drafts', message('two'))).toContain('APPENDUID 1001 2')
  expect(client.run('b STATUS Drafts (UIDNEXT)')).toContain('UIDNEXT 3')
})

test('UID EXPUNGE removes only the UIDs it names', () => {
  const world = createWorld()
  const client = world.selected()
  for (const subject of ['one', 'two', 'three']) append(client, 'Drafts', message(subject), '(\\Deleted)')
  append(client, 'Drafts', message('kept'))
  expect(lines(client.run('a UID EXPUNGE 1,3:4'))).toEqual([
    '* 3 EXPUNGE',
    '* 1 EXPUNGE',
    '* 2 RECENT',
    'a OK Expunge completed',
  ])
  expect(uidsOf(world)).toEqual([2, 4])
})

test('EXPUNGE removes all that is marked, whoever marked it', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('mine'), '(\\Deleted)')
  append(world.login(), 'Drafts', message('theirs'), '(\\Deleted)')
  append(client, 'Drafts', message('kept'))
  client.run('a EXPUNGE')
  expect(uidsOf(world)).toEqual([3])
})

test('STORE adds, removes and replaces flags, and tells of what changed only', () => {
  const client = createWorld().selected()
  append(client, 'Drafts', message('one'))
  expect(client.run('a STORE 1 +FLAGS (\\Flagged key)')).toContain('* 1 FETCH (FLAGS (\\Flagged \\Recent key))')
  expect(client.run('b STORE 1 +FLAGS (\\Flagged)')).toBe('b OK Store completed\r\n')
  expect(client.run('c UID STORE 1 -FLAGS KEY')).toBe(
    '* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))\r\nc OK Store completed\r\n',
  )
  expect(client.run('d STORE 1 FLAGS \\Seen \\Draft')).toContain('FLAGS (\\Seen \\Draft \\Recent)')
  expect(client.run('e STORE 1 FLAGS.SILENT ()')).toBe('e OK Store completed\r\n')
  expect(client.run('f FETCH 1 FLAGS')).toContain('FLAGS (\\Recent)')
  expect(client.run('g STORE 1 +FLAGS (\\Recent)')).toMatch(/^g BAD/u)
  expect(client.run('h STORE 9 +FLAGS (x)')).toMatch(/^h BAD/u)
  expect(client.run('i UID STORE 9 +FLAGS (x)')).toBe('i OK Store completed\r\n')
})

test('a silent STORE still tells of what another session has done to the message', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'))
  world.selected().run('a STORE 1 +FLAGS (\\Flagged)')
  expect(client.run('b STORE 1 +FLAGS.SILENT (\\Seen)')).toContain('* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent))')
})

test('keywords keep their first spelling, and new ones are announced', () => {
  const client = createWorld().selected()
  append(client, 'Drafts', message('one'))
  expect(client.run('a STORE 1 FLAGS (Foo)')).toContain('* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Foo)')
  const again = client.run('b STORE 1 FLAGS (foo FOO \\Seen)')
  expect(again).toBe('* 1 FETCH (FLAGS (\\Seen \\Recent Foo))\r\nb OK Store completed\r\n')
})

test('COPY and UID COPY answer COPYUID and keep flags and date', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'), '(\\Flagged)')
  append(client, 'Drafts', message('two'))
  expect(client.run('a COPY 1:2 Sent')).toBe('a OK [COPYUID 1002 1:2 1:2] Copy completed\r\n')
  expect(client.run('b UID COPY 2,77 Sent')).toBe('b OK [COPYUID 1002 2 3] Copy completed\r\n')
  expect(client.run('c COPY 1 nowhere')).toContain('c NO [TRYCREATE]')
  expect(client.run('d UID COPY 77 Sent')).toBe('d OK No messages found\r\n')
  expect(
    world.store
      .find('alice', 'Sent')
      ?.messages()
      .map(({ flags }) => flags),
  ).toEqual([['\\Flagged'], [], []])
})

test('MOVE tells COPYUID before EXPUNGE and leaves nothing behind', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'))
  append(client, 'Drafts', message('two'))
  expect(lines(client.run('a MOVE 2 Trash'))).toEqual([
    '* OK [COPYUID 1003 2 1] Moved UIDs',
    '* 2 EXPUNGE',
    '* 1 RECENT',
    'a OK Move completed',
  ])
  expect(client.run('b UID MOVE 1 Trash')).toContain('* 1 EXPUNGE')
  expect(uidsOf(world)).toEqual([])
  expect(uidsOf(world, 'Trash')).toEqual([1, 2])
})

test('a message over APPENDLIMIT is refused before its literal, with TOOBIG, and the limit is told', () => {
  const world = createWorld({ appendLimitBytes: 200 })
  const client = world.login()
  expect(client.run('a CAPABILITY')).toContain('APPENDLIMIT=200')
  expect(client.run('b STATUS Drafts (APPENDLIMIT)')).toContain('(APPENDLIMIT 200)')
  expect(client.run('c APPEND Drafts {201}')).toContain('c NO [TOOBIG]')
  expect(client.send(`d APPEND Drafts {201+}\r\n${'x'.repeat(201)}\r\ne NOOP\r\n`)).toMatch(
    /^d NO \[TOOBIG\].*\r\ne OK/u,
  )
  append(client, 'Drafts', message('fits'))
  const twice = client.run('f APPEND Drafts CATENATE (URL "/Drafts/;UID=1" URL "/Drafts/;UID=1")')
  expect(twice).toContain('f NO [TOOBIG]')
  expect(uidsOf(world)).toEqual([1])
})

test('a user over quota is refused with OVERQUOTA, and a replacement counts the room it frees', () => {
  const octets = message('one')
  const world = createWorld({ users: [{ name: 'alice', password: 'secret', quotaBytes: octets.length + 10 }] })
  const client = world.selected()
  append(client, 'Drafts', octets)
  expect(append(client, 'Drafts', octets)).toContain('app NO [OVERQUOTA]')
  expect(client.run('a COPY 1 Sent')).toContain('a NO [OVERQUOTA]')
  expect(client.runWithLiterals('b UID REPLACE 1 Drafts ', message('two'), '')).toContain('b OK')
  expect(uidsOf(world)).toEqual([2])
})

test('a non-synchronizing literal over 4096 octets gets BYE where only LITERAL- is offered', () => {
  const options = { capabilities: ['LITERAL-', 'UIDPLUS'] } as const
  const small = createWorld(options).login()
  expect(small.send(`a APPEND Drafts {${message('x').length}+}\r\n${message('x')}\r\n`)).toContain('a OK [APPENDUID')
  const large = createWorld(options).login()
  expect(large.run('a APPEND Drafts {4097+}')).toMatch(/^\* BYE/u)
  expect(large.closed).toBe('fin')
})
