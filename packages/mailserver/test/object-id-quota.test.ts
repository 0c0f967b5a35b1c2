import { expect, test } from 'vitest'

import { append, createWorld, message } from './harness.ts'

const emailIdOf = (answer: string): string | undefined => /EMAILID \((\w+)\)/u.exec(answer)?.[1]
const mailboxIdOf = (answer: string): string | undefined => /MAILBOXID \((\w+)\)/u.exec(answer)?.[1]

test('EMAILID is that of the message wherever it is copied or moved, and of no other', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'))
  append(client, 'Drafts', message('one'))
  const first = emailIdOf(client.run('a FETCH 1 EMAILID'))
  const second = emailIdOf(client.run('b FETCH 2 (EMAILID THREADID)'))
  expect(first).toMatch(/^\w+$/u)
  expect(second).not.toBe(first)
  client.run('c COPY 1 Sent')
  client.run('d MOVE 2 Sent')
  const sent = world.selected('Sent')
  expect([1, 2].map((number) => emailIdOf(sent.run(`e FETCH ${number} EMAILID`)))).toEqual([first, second])
  expect(sent.run(`f UID SEARCH EMAILID ${second}`)).toContain('* SEARCH 2\r\n')
  expect(sent.run('g FETCH 1 THREADID')).toContain('THREADID NIL')
})

test('MAILBOXID stays through RENAME, and a mailbox made anew under the name has another', () => {
  const client = createWorld().login()
  const made = mailboxIdOf(client.run('a CREATE x'))
  client.run('b RENAME x y')
  expect(mailboxIdOf(client.run('c STATUS y (MAILBOXID)'))).toBe(made)
  client.run('d DELETE y')
  expect(mailboxIdOf(client.run('e CREATE y'))).not.toBe(made)
  expect(mailboxIdOf(client.run('f SELECT y'))).not.toBe(made)
})

test('STATUS SIZE is the octets of all messages, DELETED-STORAGE of those marked', () => {
  const client = createWorld().login()
  append(client, 'Drafts', message('one'))
  append(client, 'Drafts', message('two', 'longer'), '(\\Deleted)')
  const [one, two] = [message('one').length, message('two', 'longer').length]
  expect(client.run('a STATUS Drafts (SIZE DELETED DELETED-STORAGE)')).toContain(
    `* STATUS Drafts (SIZE ${one + two} DELETED 1 DELETED-STORAGE ${two})`,
  )
})

test('GETQUOTAROOT tells what is used and what there is, in units of 1,024 octets', () => {
  const world = createWorld({
    users: [
      { name: 'alice', password: 'secret', quotaBytes: 10_240 },
      { name: 'bob', password: 'secret' },
    ],
  })
  const client = world.login()
  append(client, 'Drafts', message('one', 'x'.repeat(3000)))
  expect(client.run('a GETQUOTAROOT Drafts')).toBe(
    '* QUOTAROOT Drafts ""\r\n* QUOTA "" (STORAGE 4 10)\r\na OK Getquotaroot completed\r\n',
  )
  expect(client.run('b GETQUOTA ""')).toContain('* QUOTA "" (STORAGE 4 10)')
  expect(append(client, 'Drafts', message('two', 'x'.repeat(8000)))).toContain('app NO [OVERQUOTA]')
  const unlimited = world.login('bob')
  expect(unlimited.run('c GETQUOTAROOT Drafts')).toBe('* QUOTAROOT Drafts\r\nc OK Getquotaroot completed\r\n')
  expect(unlimited.run('d GETQUOTA ""')).toMatch(/^d NO/u)
})
