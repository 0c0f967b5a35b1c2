import { expect, test } from 'vitest'

import { append, createWorld, lines, message } from './harness.ts'

test('a new user has INBOX and Drafts, Sent and Trash with their special uses', () => {
  expect(lines(createWorld().login().run('a LIST "" *'))).toEqual([
    '* LIST (\\HasNoChildren) "/" INBOX',
    '* LIST (\\HasNoChildren \\Drafts) "/" Drafts',
    '* LIST (\\HasNoChildren \\Sent) "/" Sent',
    '* LIST (\\HasNoChildren \\Trash) "/" Trash',
    'a OK List completed',
  ])
})

test('a server may have no mailboxes but INBOX', () => {
  const answer = createWorld({ mailboxes: [] }).login().run('a LIST "" *')
  expect(lines(answer)).toEqual(['* LIST (\\HasNoChildren) "/" INBOX', 'a OK List completed'])
})

test('LIST matches % within a level, * across levels, and INBOX in any case', () => {
  const client = createWorld({ mailboxes: [] }).login()
  client.run('a CREATE foo/bar/baz')
  const names = (pattern: string): readonly string[] =>
    lines(client.run(`l LIST "" ${pattern}`))
      .slice(0, -1)
      .map((line) => line.split('"/" ')[1] ?? '')
  expect(names('%')).toEqual(['INBOX', 'foo'])
  expect(names('foo/%')).toEqual(['foo/bar'])
  expect(names('foo*')).toEqual(['foo', 'foo/bar', 'foo/bar/baz'])
  expect(names('"inbox"')).toEqual(['INBOX'])
  expect(names('f.o')).toEqual([])
  expect(client.run('b LIST "" ""')).toContain('* LIST (\\Noselect) "/" ""')
  expect(client.run('c LIST "foo/" %')).toContain('"/" foo/bar')
})

test('LIST RETURN gives subscriptions and the status with each mailbox', () => {
  const client = createWorld().login()
  append(client, 'Drafts', message('one'))
  const answer = client.run(
    'a LIST "" (Drafts Sent) RETURN (SUBSCRIBED SPECIAL-USE CHILDREN STATUS (MESSAGES UIDNEXT))',
  )
  expect(lines(answer)).toEqual([
    '* LIST (\\Subscribed \\HasNoChildren \\Drafts) "/" Drafts',
    '* STATUS Drafts (MESSAGES 1 UIDNEXT 2)',
    '* LIST (\\Subscribed \\HasNoChildren \\Sent) "/" Sent',
    '* STATUS Sent (MESSAGES 0 UIDNEXT 1)',
    'a OK List completed',
  ])
})

test('LIST can be narrowed to subscribed and to special-use mailboxes', () => {
  const client = createWorld().login()
  client.run('a UNSUBSCRIBE Trash')
  expect(client.run('b LIST (SUBSCRIBED) "" *')).not.toContain('Trash')
  expect(client.run('c LIST (SPECIAL-USE) "" *')).not.toContain('INBOX')
  expect(client.run('d LIST (FOO) "" *')).toMatch(/^d BAD/u)
})

test('LSUB lists what is subscribed, even after its deletion, and parents by %', () => {
  const client = createWorld({ mailboxes: [] }).login()
  client.run('a CREATE foo/bar')
  expect(client.run('b SUBSCRIBE nowhere')).toContain('b NO [NONEXISTENT]')
  client.run('c SUBSCRIBE foo/bar')
  client.run('d DELETE foo/bar')
  expect(client.run('e LSUB "" *')).toContain('* LSUB () "/" foo/bar')
  expect(client.run('f LSUB "" %')).toContain('* LSUB (\\Noselect) "/" foo\r\n')
  client.run('g UNSUBSCRIBE foo/bar')
  expect(lines(client.run('h LSUB "" *'))).toEqual(['h OK Lsub completed'])
})

test('mailbox names are modified UTF-7 on the wire', () => {
  const world = createWorld({ mailboxes: [] })
  const client = world.login()
  expect(client.run('a CREATE Entw&APw-rfe')).toMatch(/^a OK/u)
  expect(world.store.find('alice', 'Entwürfe')?.name).toBe('Entwürfe')
  expect(client.run('b LIST "" Entw*')).toContain('"/" Entw&APw-rfe')
  expect(client.run('c CREATE "bad&name"')).toMatch(/^c NO/u)
})

test('CREATE refuses what exists, INBOX, and names that are none', () => {
  const client = createWorld().login()
  expect(client.run('a CREATE Drafts')).toContain('a NO [ALREADYEXISTS]')
  expect(client.run('b CREATE inbox')).toContain('b NO [ALREADYEXISTS]')
  expect(client.run('c CREATE a//b')).toContain('c NO [CANNOT]')
  expect(client.run('d CREATE new/')).toMatch(/^d OK/u)
  expect(client.run('e CREATE new')).toContain('e NO [ALREADYEXISTS]')
})

test('CREATE gives a special use, and refuses one it does not know', () => {
  const client = createWorld({ mailboxes: [] }).login()
  expect(client.run('a CREATE Entwurf (USE (\\Drafts))')).toMatch(/^a OK/u)
  expect(client.run('b LIST "" Entwurf')).toContain('\\Drafts')
  expect(client.run('c CREATE Other (USE (\\Foo))')).toContain('c NO [USEATTR]')
  expect(client.run('d LIST "" Other')).not.toContain('Other"')
})

test('DELETE leaves the children and a name that cannot be selected', () => {
  const client = createWorld({ mailboxes: [] }).login()
  client.run('a CREATE foo')
  client.run('b CREATE foo/bar')
  expect(client.run('c DELETE foo')).toMatch(/^c OK/u)
  expect(client.run('d LIST "" foo')).toContain('(\\Noselect \\HasChildren)')
  expect(client.run('e SELECT foo')).toContain('e NO [NONEXISTENT]')
  expect(client.run('f DELETE foo')).toContain('f NO [NONEXISTENT]')
  expect(client.run('g DELETE INBOX')).toMatch(/^g NO/u)
})

test('a mailbox that comes back under its name has a greater UIDVALIDITY', () => {
  const world = createWorld()
  const client = world.login()
  const before = world.store.find('alice', 'Trash')?.uidValidity ?? 0
  client.run('a DELETE Trash')
  client.run('b CREATE Trash')
  expect(world.store.find('alice', 'Trash')?.uidValidity).toBeGreaterThan(before)
})

test('RENAME takes the children along and keeps messages and UIDs', () => {
  const world = createWorld({ mailboxes: [{ name: 'old' }, { name: 'old/child' }] })
  const client = world.login()
  append(client, 'old/child', message('one'))
  const { uidValidity } = world.store.find('alice', 'old/child') ?? {}
  expect(client.run('a RENAME old new')).toMatch(/^a OK/u)
  const moved = world.store.find('alice', 'new/child')
  expect(moved?.uidValidity).toBe(uidValidity)
  expect(moved?.messages().map(({ uid }) => uid)).toEqual([1])
  expect(client.run('b RENAME old x')).toContain('b NO [NONEXISTENT]')
  expect(client.run('c RENAME new INBOX')).toContain('c NO [ALREADYEXISTS]')
  expect(client.run('d RENAME new new/deeper')).toMatch(/^d NO/u)
})

test('RENAME INBOX moves its messages and leaves it there, empty', () => {
  const world = createWorld({ mailboxes: [] })
  const client = world.login()
  append(client, 'INBOX', message('one'))
  expect(client.run('a RENAME INBOX archive')).toMatch(/^a OK/u)
  expect(world.store.find('alice', 'INBOX')?.messages()).toEqual([])
  expect(world.store.find('alice', 'archive')?.messages()).toHaveLength(1)
})

test('SELECT tells flags, counts, the first unseen, UIDVALIDITY and UIDNEXT', () => {
  const client = createWorld().login()
  append(client, 'Drafts', message('one'), '(\\Seen)')
  append(client, 'Drafts', message('two'), '(key)')
  expect(lines(client.run('a SELECT Drafts'))).toEqual([
    '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft key)',
    '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft key \\*)] Flags permitted.',
    '* 2 EXISTS',
    '* 2 RECENT',
    '* OK [UNSEEN 2] First unseen',
    '* OK [UIDVALIDITY 1001] UIDs valid',
    '* OK [UIDNEXT 3] Predicted next UID',
    '* OK [HIGHESTMODSEQ 3] Highest',
    '* OK [MAILBOXID (F2)] Mailbox id',
    'a OK [READ-WRITE] Select completed',
  ])
  expect(client.run('b SELECT Drafts')).toContain('* 0 RECENT')
})

test('EXAMINE is read-only: nothing can be stored, expunged or replaced, and CLOSE expunges nothing', () => {
  const world = createWorld()
  const client = world.login()
  append(client, 'Drafts', message('one'), '(\\Deleted)')
  expect(client.run('a EXAMINE Drafts')).toContain('a OK [READ-ONLY]')
  expect(client.run('b STORE 1 +FLAGS (\\Seen)')).toMatch(/^b NO/u)
  expect(client.run('c EXPUNGE')).toMatch(/^c NO/u)
  expect(client.run('d REPLACE 1 Drafts {3}')).toMatch(/^d NO/u)
  client.run('e FETCH 1 BODY[]')
  client.run('f CLOSE')
  expect(
    world.store
      .find('alice', 'Drafts')
      ?.messages()
      .map(({ flags }) => flags),
  ).toEqual([['\\Deleted']])
})

test('CLOSE expunges without a word, UNSELECT does not expunge', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'), '(\\Deleted)')
  expect(client.run('a UNSELECT')).toBe('a OK Unselect completed\r\n')
  expect(world.store.find('alice', 'Drafts')?.messages()).toHaveLength(1)
  client.run('b SELECT Drafts')
  expect(client.run('c CLOSE')).toBe('c OK Close completed\r\n')
  expect(world.store.find('alice', 'Drafts')?.messages()).toEqual([])
})

test('a failed SELECT leaves no mailbox selected', () => {
  const client = createWorld().selected()
  expect(client.run('a SELECT nowhere')).toContain('a NO [NONEXISTENT]')
  expect(client.run('b CHECK')).toMatch(/^b BAD/u)
})

test('STATUS counts messages, unseen and recent ones', () => {
  const client = createWorld().login()
  append(client, 'Sent', message('one'), '(\\Seen)')
  append(client, 'Sent', message('two'))
  expect(client.run('a STATUS Sent (MESSAGES UNSEEN RECENT UIDNEXT UIDVALIDITY)')).toContain(
    '* STATUS Sent (MESSAGES 2 UNSEEN 1 RECENT 2 UIDNEXT 3 UIDVALIDITY 1002)',
  )
  expect(client.run('b STATUS nowhere (MESSAGES)')).toContain('b NO [NONEXISTENT]')
  expect(client.run('c STATUS Sent (FOO)')).toMatch(/^c BAD/u)
})
