import { expect, test } from 'vitest'

import { append, createWorld, lines, message, type TestClient } from './harness.ts'

const both = '(MessageNew MessageExpunge)'

/** A client that has asked for this, and another one that changes things. */
function notified(command: string): { readonly client: TestClient; readonly other: TestClient } {
  const world = createWorld()
  const client = world.selected()
  const other = world.login()
  expect(client.run(`n NOTIFY ${command}`)).toContain('n OK')
  return { client, other }
}

test('changes in other mailboxes are told at once, by STATUS', () => {
  const { client, other } = notified(`SET (mailboxes Sent ${both})`)
  client.run('a ENABLE CONDSTORE')
  append(other, 'Sent', message('one'))
  expect(lines(client.unasked())).toEqual([
    '* STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1002 UNSEEN 1 HIGHESTMODSEQ 2)',
  ])
  other.run('a SELECT Sent')
  other.run('b STORE 1 +FLAGS (\\Deleted)')
  expect(client.unasked()).toBe('')
  other.run('c EXPUNGE')
  expect(client.unasked()).toContain('MESSAGES 0 UIDNEXT 2')
  append(other, 'Trash', message('two'))
  expect(client.unasked()).toBe('')
})

test('FlagChange tells of flags too, NONE of nothing, and the first group that fits decides', () => {
  const { client, other } = notified(
    'SET (mailboxes Trash NONE) (personal (MessageNew MessageExpunge FlagChange)) (subtree Sent NONE)',
  )
  append(other, 'Trash', message('one'))
  expect(client.unasked()).toBe('')
  append(other, 'Sent', message('one'))
  other.run('a SELECT Sent')
  client.unasked()
  other.run('b STORE 1 +FLAGS (\\Seen)')
  expect(client.unasked()).toContain('* STATUS Sent (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1002 UNSEEN 0')
})

test('STATUS asks for the state of all others to begin with', () => {
  const world = createWorld()
  const answer = world.selected().run(`n NOTIFY SET STATUS (personal ${both})`)
  expect([...answer.matchAll(/\* STATUS (\w+)/gu)].map(([, name]) => name)).toEqual(['INBOX', 'Sent', 'Trash'])
})

test('the selected mailbox is told of at once, new messages with what was asked of them', () => {
  const { client, other } = notified(
    'SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge))',
  )
  append(other, 'Drafts', message('one'))
  const told = client.unasked()
  expect(told).toContain('* 1 EXISTS\r\n')
  expect(told).toContain('* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: one\r\n\r\n)\r\n')
  other.run('a SELECT Drafts')
  other.run('b STORE 1 +FLAGS (\\Deleted)')
  other.run('c EXPUNGE')
  expect(client.unasked()).toContain('* 1 EXPUNGE\r\n')
  append(other, 'Sent', message('two'))
  expect(client.unasked()).toBe('')
})

test('the selected mailbox is told of as such, not by STATUS too', () => {
  const { client, other } = notified(`SET (personal ${both}) (selected ${both})`)
  append(other, 'Drafts', message('one'))
  const told = client.unasked()
  expect(told).toContain('* 1 EXISTS')
  expect(told).not.toContain('STATUS')
})

test('a mailbox made by the client itself is watched, and one that is gone is not', () => {
  const { client, other } = notified(`SET (personal ${both})`)
  client.run('a CREATE new')
  append(other, 'new', message('one'))
  expect(client.unasked()).toContain('* STATUS new (MESSAGES 1')
  other.run('b DELETE new')
  expect(client.unasked()).toBe('')
})

test('NOTIFY NONE ends it', () => {
  const { client, other } = notified(`SET (personal ${both}) (selected ${both})`)
  expect(client.run('a NOTIFY NONE')).toContain('a OK')
  append(other, 'Sent', message('one'))
  append(other, 'Drafts', message('one'))
  expect(client.unasked()).toBe('')
})

test.each([
  ['SET (personal (MailboxName))', 'NO [BADEVENT (MessageNew MessageExpunge FlagChange)]'],
  ['SET (personal (MessageNew))', 'BAD'],
  ['SET (personal (FlagChange))', 'BAD'],
  [`SET (everywhere ${both})`, 'BAD'],
  [`SET (selected ${both}) (selected-delayed ${both})`, 'BAD'],
  ['SET', 'BAD'],
  ['MAYBE', 'BAD'],
])('`NOTIFY %s` is %s', (command, answer) => {
  expect(createWorld().login().run(`a NOTIFY ${command}`)).toContain(`a ${answer}`)
})
