import { expect, test } from 'vitest'

import {
  createMailServer,
  defaultCapabilities,
  resolveCapabilities,
  type Capability,
  type MailServerOptions,
} from '../src/index.ts'
import { append, createWorld, message, users, type TestClient, type World } from './harness.ts'

type Without = { readonly world: World; readonly client: TestClient }

/** A session without one capability, with a message in its selected mailbox. */
function without(...names: readonly Capability[]): Without {
  const world = createWorld({ without: names, appendLimitBytes: 10_000 })
  const client = world.selected()
  append(client, 'Drafts', message('one'), '(\\Deleted)')
  return { world, client }
}

const shown = (world: World): string => world.imap().unasked() + world.login().run('c CAPABILITY')

test.each(defaultCapabilities)('%s is advertised, and not once it is off', (name) => {
  const word = new RegExp(`[ =]${name.replace('+', '\\+')}[ \\]=\\r]`, 'u')
  expect(shown(createWorld({ appendLimitBytes: 10_000 }))).toMatch(word)
  expect(shown(createWorld({ without: [name], appendLimitBytes: 10_000 }))).not.toMatch(word)
})

const refused: readonly (readonly [name: Capability, command: string])[] = [
  ['ID', 'ID NIL'],
  ['ENABLE', 'ENABLE X'],
  ['IDLE', 'IDLE'],
  ['NAMESPACE', 'NAMESPACE'],
  ['UNSELECT', 'UNSELECT'],
  ['UIDPLUS', 'UID EXPUNGE 1'],
  ['MOVE', 'MOVE 1 Sent'],
  ['MOVE', 'UID MOVE 1 Sent'],
  ['REPLACE', 'REPLACE 1 Drafts {5}'],
  ['REPLACE', 'UID REPLACE 1 Drafts CATENATE (URL ";UID=1")'],
  ['CATENATE', 'APPEND Drafts CATENATE (URL "/Drafts/;UID=1")'],
  ['CATENATE', 'APPEND Drafts CATENATE (TEXT {5}'],
  ['CREATE-SPECIAL-USE', 'CREATE x (USE (\\Archive))'],
  ['SPECIAL-USE', 'CREATE x (USE (\\Archive))'],
  ['SPECIAL-USE', 'LIST (SPECIAL-USE) "" *'],
  ['LIST-EXTENDED', 'LIST (SUBSCRIBED) "" *'],
  ['LIST-EXTENDED', 'LIST "" * RETURN (SUBSCRIBED)'],
  ['LIST-STATUS', 'LIST "" * RETURN (STATUS (MESSAGES))'],
  ['APPENDLIMIT', 'STATUS Drafts (APPENDLIMIT)'],
  ['CONDSTORE', 'FETCH 1 MODSEQ'],
  ['CONDSTORE', 'FETCH 1 FLAGS (CHANGEDSINCE 1)'],
  ['CONDSTORE', 'STORE 1 (UNCHANGEDSINCE 1) FLAGS ()'],
  ['CONDSTORE', 'SEARCH MODSEQ 1'],
  ['CONDSTORE', 'STATUS Drafts (HIGHESTMODSEQ)'],
  ['CONDSTORE', 'SELECT Drafts (CONDSTORE)'],
  ['QRESYNC', 'SELECT Drafts (QRESYNC (1 1))'],
  ['QRESYNC', 'UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)'],
  ['ESEARCH', 'SEARCH RETURN (COUNT) ALL'],
  ['BINARY', 'FETCH 1 BINARY.PEEK[1]'],
  ['COMPRESS=DEFLATE', 'COMPRESS DEFLATE'],
  ['STATUS=SIZE', 'STATUS Drafts (SIZE)'],
  ['OBJECTID', 'STATUS Drafts (MAILBOXID)'],
  ['OBJECTID', 'FETCH 1 EMAILID'],
  ['OBJECTID', 'SEARCH EMAILID M1'],
  ['QUOTA', 'GETQUOTAROOT Drafts'],
  ['NOTIFY', 'NOTIFY NONE'],
  ['QUOTA', 'GETQUOTA ""'],
  ['BINARY', 'FETCH 1 BINARY.SIZE[1]'],
  ['BINARY', 'APPEND Drafts ~{5}'],
  ['SASL-IR', 'AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA=='],
]

test.each(refused)('without %s, `%s` is BAD', (name, command) => {
  const { client, world } = without(name)
  const session = name === 'SASL-IR' ? world.imap() : client
  session.unasked()
  // Some need what follows an announced literal to fail: an unknown command does not ask for one, or fails after it.
  const answer = session.run(`a ${command}`)
  expect(answer === '+ OK\r\n' ? session.send('abcde\r\n') : answer).toMatch(/^a BAD/u)
  expect(world.store.find('alice', 'Drafts')?.messages()).toHaveLength(1)
})

test('without UIDPLUS there is no APPENDUID and no COPYUID', () => {
  const { client } = without('UIDPLUS')
  expect(append(client, 'Drafts', message('two'))).toContain('app OK Append completed')
  expect(client.run('a COPY 1 Sent')).toBe('a OK Copy completed\r\n')
  expect(client.run('b MOVE 1 Sent')).not.toContain('COPYUID')
  expect(client.runWithLiterals('c REPLACE 1 Drafts ', message('three'), '')).not.toContain('APPENDUID')
})

test('without SPECIAL-USE no mailbox shows one', () => {
  expect(without('SPECIAL-USE').client.run('a LIST "" *')).not.toContain('\\Drafts')
})

test('without CHILDREN no mailbox shows whether it has any', () => {
  expect(without('CHILDREN').client.run('a LIST "" *')).not.toContain('Children')
})

test('without LITERAL+ a non-synchronizing literal ends the connection before its octets become commands', () => {
  const { client, world } = without('LITERAL+')
  expect(client.send('a APPEND Drafts {10+}\r\nx LOGOUT\r\n\r\n')).toMatch(/^\* BYE[^\n]*\n$/u)
  expect(client.closed).toBe('fin')
  expect(world.store.find('alice', 'Drafts')?.messages()).toHaveLength(1)
})

test('APPENDLIMIT without a limit is not advertised', () => {
  expect(createWorld().login().run('a CAPABILITY')).not.toContain('APPENDLIMIT')
})

const badOptions: readonly (readonly [problem: RegExp, options: object])[] = [
  [/^capabilities: unknown capability "UIDPLSU"; known are .*UIDPLUS/u, { users, capabilities: ['UIDPLSU'] }],
  [/^without: unknown capability "MOVEE"/u, { users, without: ['MOVEE'] }],
  [/^capabilities: LITERAL\+ and LITERAL- exclude each other/u, { users, capabilities: ['LITERAL+', 'LITERAL-'] }],
  [/^users: /u, { users: [] }],
  [
    /^users\[1\]\.name: "a" is there twice/u,
    {
      users: [
        { name: 'a', password: 'x' },
        { name: 'a', password: 'y' },
      ],
    },
  ],
  [/^users\[0\]\.password: /u, { users: [{ name: 'a', password: '' }] }],
  [/^users\[0\]\.quotaBytes: /u, { users: [{ name: 'a', password: 'x', quotaBytes: -1 }] }],
  [/^mailboxes\[0\]\.name: "a\/\/b"/u, { users, mailboxes: [{ name: 'a//b' }] }],
  [/^mailboxes\[1\]\.name: "inbox" is there twice/u, { users, mailboxes: [{ name: 'INBOX' }, { name: 'inbox' }] }],
  [/^mailboxes\[0\]\.specialUse: /u, { users, mailboxes: [{ name: 'a', specialUse: 'Drafts' }] }],
  [/^appendLimitBytes: /u, { users, appendLimitBytes: 0 }],
  [/^smtp\.maxMessageBytes: /u, { users, smtp: { maxMessageBytes: 1.5 } }],
  [/^imapPort: unknown option/u, { users, imapPort: 143 }],
]

test.each(badOptions)('a bad option is named: %s', (problem, options) => {
  // A caller without types, as JavaScript has them.
  expect(() => createMailServer(options as MailServerOptions)).toThrow(problem)
})

test('an option error has a code and names its field', () => {
  expect(() => resolveCapabilities({ without: ['X' as Capability] })).toThrow(
    expect.objectContaining({ code: 'bad-option', field: 'without', name: 'MailServerOptionError' }),
  )
})
