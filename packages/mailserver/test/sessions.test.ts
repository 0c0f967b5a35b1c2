import { expect, test } from 'vitest'

import { append, createWorld, lines, message } from './harness.ts'

test('the greeting offers what may be used before the login, and the login the rest', () => {
  const client = createWorld().imap()
  expect(client.unasked()).toMatch(/^\* OK \[CAPABILITY IMAP4rev1 AUTH=PLAIN [^\]]*SASL-IR[^\]]*\]/u)
  const answer = client.run('a LOGIN alice secret')
  expect(answer).toMatch(/^a OK \[CAPABILITY IMAP4rev1 [^\]]*UIDPLUS[^\]]*REPLACE/u)
  expect(answer).not.toContain('AUTH=PLAIN')
})

test('a wrong password is AUTHENTICATIONFAILED, by LOGIN and by AUTHENTICATE', () => {
  const client = createWorld().imap()
  expect(client.run('a LOGIN alice wrong')).toContain('a NO [AUTHENTICATIONFAILED]')
  const wrong = Buffer.from('\0alice\0wrong').toString('base64')
  expect(client.run(`b AUTHENTICATE PLAIN ${wrong}`)).toContain('b NO [AUTHENTICATIONFAILED]')
  expect(client.run('c AUTHENTICATE CRAM-MD5')).toMatch(/^c NO/mu)
})

test('AUTHENTICATE PLAIN works with an initial response and by a challenge, and can be cancelled', () => {
  const right = Buffer.from('\0alice\0secret').toString('base64')
  expect(createWorld().imap().run(`a AUTHENTICATE PLAIN ${right}`)).toContain('a OK')
  const client = createWorld().imap()
  client.unasked()
  expect(client.run('b AUTHENTICATE PLAIN')).toBe('+ \r\n')
  expect(client.run('*')).toMatch(/^b BAD/u)
  client.run('c AUTHENTICATE PLAIN')
  expect(client.run(right)).toMatch(/^c OK/u)
})

test('commands are refused outside their state', () => {
  const client = createWorld().imap()
  client.unasked()
  expect(client.run('a SELECT INBOX')).toMatch(/^a BAD/u)
  expect(client.run('b APPEND INBOX {3}')).toMatch(/^b BAD/u)
  client.run('c LOGIN alice secret')
  expect(client.run('d FETCH 1 FLAGS')).toBe('d BAD No mailbox selected\r\n')
  expect(client.run('e LOGIN alice secret')).toMatch(/^e BAD/u)
  expect(client.run('f FOO')).toMatch(/^f BAD/u)
})

test('LOGOUT says BYE, then OK, then ends the connection', () => {
  const client = createWorld().login()
  expect(client.run('a LOGOUT')).toBe('* BYE Logging out\r\na OK Logout completed\r\n')
  expect(client.closed).toBe('fin')
  expect(client.run('b NOOP')).toBe('')
})

test('ID and ENABLE and NAMESPACE answer', () => {
  const client = createWorld().login()
  expect(client.run('a ID ("name" "x" "version" NIL)')).toMatch(/^\* ID \("name" "[^"]+"\)\r\na OK/u)
  expect(client.run('b ID NIL')).toContain('b OK')
  expect(client.run('c ENABLE CONDSTORE X')).toBe('* ENABLED CONDSTORE\r\nc OK Enabled\r\n')
  expect(client.run('d NAMESPACE')).toBe('* NAMESPACE (("" "/")) NIL NIL\r\nd OK Namespace completed\r\n')
})

test('IDLE tells of messages and flags as they change, and of nothing after DONE', () => {
  const world = createWorld()
  const idler = world.selected()
  const actor = world.selected()
  expect(idler.run('a IDLE')).toBe('+ idling\r\n')
  append(actor, 'Drafts', message('one'))
  expect(idler.unasked()).toContain('* 1 EXISTS')
  actor.run('b STORE 1 +FLAGS (\\Deleted)')
  expect(idler.unasked()).toBe('* 1 FETCH (FLAGS (\\Deleted))\r\n')
  actor.run('c EXPUNGE')
  expect(idler.unasked()).toContain('* 1 EXPUNGE')
  expect(idler.run('DONE')).toBe('a OK Idle completed\r\n')
  append(actor, 'Drafts', message('two'))
  expect(idler.unasked()).toBe('')
  expect(idler.run('d NOOP')).toContain('* 1 EXISTS')
})

test('IDLE begins with what came since the last command', () => {
  const world = createWorld()
  const idler = world.selected()
  append(world.selected(), 'Drafts', message('one'))
  expect(idler.run('a IDLE')).toMatch(/^\+ idling\r\n\* 1 EXISTS\r\n/u)
})

test('IDLE ended by anything but DONE is BAD', () => {
  const client = createWorld().selected()
  client.run('a IDLE')
  expect(client.run('NOOP')).toBe('a BAD Expected DONE\r\n')
})

test('a session answers its own client before others hear of what it did', () => {
  const world = createWorld()
  const order: string[] = []
  const actor = world.selected()
  const idler = world.selected()
  idler.run('a IDLE')
  world.store.find('alice', 'Drafts')?.subscribe(() => order.push(actor.unasked()))
  actor.runWithLiterals('b APPEND Drafts ', message('one'), '')
  expect(order.join('')).toContain('b OK')
  // So the one who appended is the one to whom the message is recent.
  expect(idler.unasked()).toBe('* 1 EXISTS\r\n* 0 RECENT\r\n')
})

test('EXPUNGE is not told during FETCH, STORE and SEARCH by number, and is told during their UID forms', () => {
  for (const quiet of ['FETCH 1:2 FLAGS', 'STORE 1 +FLAGS (x)', 'SEARCH ALL']) {
    const world = createWorld()
    const watcher = world.selected()
    const actor = world.selected()
    append(actor, 'Drafts', message('one'))
    append(actor, 'Drafts', message('two'))
    watcher.run('a NOOP')
    actor.run('b UID STORE 1 +FLAGS (\\Deleted)')
    actor.run('c EXPUNGE')
    expect(watcher.run(`d ${quiet}`)).not.toContain('EXPUNGE')
    // The numbers still mean what they meant.
    expect(watcher.run('e FETCH 2 UID')).toContain('* 2 FETCH (UID 2)')
    expect(watcher.run('f UID SEARCH ALL')).toContain('* 1 EXPUNGE')
    expect(watcher.run('g FETCH 1 UID')).toContain('* 1 FETCH (UID 2)')
  }
})

test('the octets of a message that another session expunged are NIL with EXPUNGEISSUED', () => {
  const world = createWorld()
  const watcher = world.selected()
  const actor = world.selected()
  append(actor, 'Drafts', message('one'), '(\\Deleted)')
  watcher.run('a NOOP')
  actor.run('b EXPUNGE')
  const answer = watcher.run('c FETCH 1 BODY.PEEK[]')
  expect(answer).toContain('* 1 FETCH (BODY[] NIL)')
  expect(answer).toContain('c OK [EXPUNGEISSUED]')
  expect(watcher.run('d COPY 1 Sent')).toContain('d NO [EXPUNGEISSUED]')
})

test('a session whose mailbox another one deletes is ended by BYE', () => {
  const world = createWorld()
  const watcher = world.selected('Trash')
  expect(world.login().run('a DELETE Trash')).toMatch(/^a OK/mu)
  expect(watcher.unasked()).toMatch(/^\* BYE/u)
  expect(watcher.closed).toBe('fin')
})

test("users do not see each other's mail", () => {
  const world = createWorld()
  append(world.login('alice'), 'Drafts', message('private'))
  const bob = world.selected('Drafts', 'bob')
  expect(lines(bob.run('a UID SEARCH ALL'))[0]).toBe('* SEARCH')
  expect(bob.run('b APPEND Drafts CATENATE (URL "/Drafts/;UID=1")')).toContain('BADURL')
})
