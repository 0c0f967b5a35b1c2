import { expect, test } from 'vitest'

import { createFaultScript, type FaultRule } from '../src/index.ts'
import { append, createWorld, message, uidsOf, type World } from './harness.ts'

const plain = Buffer.from('\0alice\0secret').toString('base64')

test('a dropped reply: the command is executed, nothing is said, and the connection is cut', () => {
  const world = createWorld()
  const client = world.selected()
  const fault = world.faults.add({ on: { verb: 'APPEND', nth: 1 }, do: { kind: 'drop-reply', andThen: 'cut' } })
  expect(fault.fired).toBe(false)
  expect(append(client, 'Drafts', message('one'))).toBe('')
  expect(client.closed).toBe('fin')
  expect(uidsOf(world)).toEqual([1])
  expect([fault.fired, fault.firedCount]).toEqual([true, 1])
})

test('a dropped reply may leave the connection silent but open, and updates come later', () => {
  const world = createWorld()
  const client = world.selected()
  world.faults.add({ on: { verb: 'APPEND' }, do: { kind: 'drop-reply', andThen: 'go-on' } })
  expect(append(client, 'Drafts', message('one'))).toBe('')
  expect(client.run('a NOOP')).toContain('* 1 EXISTS')
  expect(client.closed).toBeUndefined()
})

test('a fault waits for its n-th command and fires as often as it says', () => {
  const world = createWorld()
  const client = world.login()
  const fault = world.faults.add({
    on: { verb: 'NOOP', nth: 2, times: 2 },
    do: { kind: 'answer', status: 'NO', text: '[INUSE] Later' },
  })
  const answers = ['a', 'b', 'c', 'd'].map((tag) => client.run(`${tag} NOOP`))
  expect(answers).toEqual([
    'a OK NOOP completed\r\n',
    'b NO [INUSE] Later\r\n',
    'c NO [INUSE] Later\r\n',
    'd OK NOOP completed\r\n',
  ])
  expect(fault.firedCount).toBe(2)
})

test('a verb also names its UID form, and a UID verb only that', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'))
  const both = world.faults.add({
    on: { verb: 'FETCH', times: 'always' },
    do: { kind: 'answer', status: 'NO', text: 'no' },
  })
  const uidOnly = world.faults.add({ on: { verb: 'UID STORE' }, do: { kind: 'answer', status: 'BAD', text: 'no' } })
  client.run('a FETCH 1 FLAGS')
  client.run('b UID FETCH 1 FLAGS')
  expect(both.firedCount).toBe(2)
  expect(client.run('c STORE 1 +FLAGS (x)')).toContain('c OK')
  expect(client.run('d UID STORE 1 +FLAGS (y)')).toBe('d BAD no\r\n')
  expect(uidOnly.fired).toBe(true)
  expect(world.store.find('alice', 'Drafts')?.messages()[0]?.flags).toEqual(['x'])
})

test('a delayed reply keeps its place: all that follows waits behind it', () => {
  const world = createWorld()
  const client = world.login()
  world.faults.add({ on: { verb: 'NOOP' }, do: { kind: 'delay-reply', delayMs: 500 } })
  expect(client.run('a NOOP')).toBe('')
  expect(client.run('b CAPABILITY')).toBe('')
  world.advance(499)
  expect(client.unasked()).toBe('')
  world.advance(1)
  expect(client.unasked()).toMatch(/^a OK[^\n]*\n\* CAPABILITY[^\n]*\nb OK/u)
})

test('an untagged BAD to a large literal: small ones pass, nothing of the large one is stored', () => {
  const world = createWorld()
  const client = world.login()
  const fault = world.faults.add({
    on: { verb: 'APPEND', minLiteralBytes: 1000, at: 'literal', times: 'always' },
    do: { kind: 'untagged-bad', text: 'Command too long' },
  })
  expect(append(client, 'Drafts', message('small'))).toContain('app OK')
  expect(fault.fired).toBe(false)
  expect(client.run('a APPEND Drafts {1000}')).toBe('* BAD Command too long\r\n')
  const large = message('large', 'x'.repeat(1000))
  expect(client.send(`b APPEND Drafts {${large.length}+}\r\n${large}\r\nc NOOP\r\n`)).toBe(
    '* BAD Command too long\r\nc OK NOOP completed\r\n',
  )
  expect(fault.firedCount).toBe(2)
  expect(uidsOf(world)).toEqual([1])
})

test('an untagged BAD may end the connection', () => {
  const world = createWorld()
  const client = world.login()
  world.faults.add({ on: { verb: 'NOOP' }, do: { kind: 'untagged-bad', text: 'Go away', andThen: 'cut' } })
  expect(client.run('a NOOP')).toBe('* BAD Go away\r\n')
  expect(client.closed).toBe('fin')
})

test('a cut in place of a command executes nothing', () => {
  const world = createWorld()
  const client = world.login()
  world.faults.add({ on: { verb: 'CREATE' }, do: { kind: 'cut', by: 'rst' } })
  expect(client.run('a CREATE new')).toBe('')
  expect(client.closed).toBe('rst')
  expect(world.store.find('alice', 'new')).toBeUndefined()
})

const uploaded = (world: World, bytes: number): readonly number[] => {
  const client = world.login()
  const octets = message('one')
  world.faults.add({ on: { bytes, direction: 'client-to-server', protocol: 'imap' }, do: { kind: 'cut', by: 'rst' } })
  client.send(`a APPEND Drafts {${octets.length}+}\r\n${octets}\r\n`)
  return uidsOf(world)
}

test('a cut after N octets from the client: one octet short stores nothing, the last one stores the message', () => {
  const octets = message('one')
  const whole = `a APPEND Drafts {${octets.length}+}\r\n${octets}\r\n`.length
  expect(uploaded(createWorld(), whole - 1)).toEqual([])
  expect(uploaded(createWorld(), whole)).toEqual([1])
})

test('a cut after N octets to the client lets exactly those pass, counted from when the rule was added', () => {
  const world = createWorld()
  const client = world.login()
  const fault = world.faults.add({ on: { bytes: 8, direction: 'server-to-client' }, do: { kind: 'cut' } })
  expect(client.run('a CREATE new')).toBe('a OK [MA')
  expect(client.closed).toBe('fin')
  expect(fault.fired).toBe(true)
  expect(world.store.find('alice', 'new')?.name).toBe('new')
  // It has fired: another connection lives.
  expect(world.login().run('a NOOP')).toContain('a OK')
})

test('a cut of the greeting leaves no session behind', () => {
  const world = createWorld()
  world.faults.add({ on: { bytes: 5, direction: 'server-to-client' }, do: { kind: 'cut' } })
  const client = world.imap()
  expect(client.unasked()).toBe('* OK ')
  expect(client.run('a LOGIN alice secret')).toBe('')
})

test('connections are refused once, or until the rule is removed', () => {
  const script = createFaultScript()
  const next = script.add({ on: { connect: 'next', protocol: 'smtp' }, do: { kind: 'refuse' } })
  expect(script.connect('imap').refused).toBe(false)
  expect(script.connect('smtp').refused).toBe(true)
  expect(script.connect('smtp').refused).toBe(false)
  expect(next.firedCount).toBe(1)
  const every = script.add({ on: { connect: 'every' }, do: { kind: 'refuse' } })
  expect([script.connect('imap').refused, script.connect('smtp').refused]).toEqual([true, true])
  every.remove()
  expect(script.connect('imap').refused).toBe(false)
  expect(script.faults).toEqual([next])
})

test('a UIDVALIDITY reset renumbers the UIDs and ends the session that was about to use the old ones', () => {
  const world = createWorld()
  const client = world.selected()
  append(client, 'Drafts', message('one'), '(\\Deleted)')
  append(client, 'Drafts', message('two'))
  append(client, 'Drafts', message('three'))
  client.run('a EXPUNGE')
  const before = world.store.find('alice', 'Drafts')?.uidValidity ?? 0
  const fault = world.faults.add({
    on: { verb: 'UID STORE' },
    do: { kind: 'reset-uid-validity', user: 'alice', mailbox: 'Drafts' },
  })
  expect(client.run('b UID STORE 2 +FLAGS (\\Deleted)')).toMatch(/^\* BYE /u)
  expect(fault.fired).toBe(true)
  const mailbox = world.store.find('alice', 'Drafts')
  expect(mailbox?.uidValidity).toBeGreaterThan(before)
  expect(mailbox?.messages().map(({ uid, flags }) => [uid, flags])).toEqual([
    [1, []],
    [2, []],
  ])
  expect(mailbox?.uidNext).toBe(3)
})

test('an IDLE whose end is answered NO is over all the same', () => {
  const world = createWorld()
  const client = world.selected()
  world.faults.add({ on: { verb: 'DONE' }, do: { kind: 'answer', status: 'NO', text: 'never mind' } })
  client.run('a IDLE')
  expect(client.run('DONE')).toBe('a NO never mind\r\n')
  append(world.login(), 'Drafts', message('one'))
  expect(client.unasked()).toBe('')
})

test('clear takes all rules away', () => {
  const world = createWorld()
  world.faults.add({ on: { verb: '*', times: 'always' }, do: { kind: 'cut' } })
  world.faults.clear()
  expect(world.login().run('a NOOP')).toContain('a OK')
})

test("rules do not shift each other's turn: all count, the first that is due fires", () => {
  const world = createWorld()
  const client = world.login()
  const first = world.faults.add({ on: { verb: 'NOOP', nth: 2 }, do: { kind: 'answer', status: 'NO', text: 'first' } })
  const second = world.faults.add({ on: { verb: '*', nth: 3 }, do: { kind: 'answer', status: 'NO', text: 'second' } })
  expect(['a', 'b', 'c'].map((tag) => client.run(`${tag} NOOP`))).toEqual([
    'a OK NOOP completed\r\n',
    'b NO first\r\n',
    'c NO second\r\n',
  ])
  expect([first.firedCount, second.firedCount]).toEqual([1, 1])
})

const nonsense: readonly (readonly [problem: RegExp, rule: FaultRule])[] = [
  [/^fault\.on\.verb/u, { on: { verb: 'append' }, do: { kind: 'cut' } }],
  [/^fault\.on\.nth/u, { on: { verb: 'APPEND', nth: 0 }, do: { kind: 'cut' } }],
  [/^fault\.do/u, { on: { verb: 'APPEND', at: 'literal' }, do: { kind: 'drop-reply', andThen: 'cut' } }],
  [/^fault\.on\.bytes/u, { on: { bytes: -1, direction: 'client-to-server' }, do: { kind: 'cut' } }],
]

test.each(nonsense)('a rule that makes no sense is refused: %s', (problem, rule) => {
  expect(() => createFaultScript().add(rule)).toThrow(problem)
})

function submit(world: World): { readonly answer: string; readonly closed: string | undefined } {
  const client = world.smtp()
  client.unasked()
  client.send(`EHLO x\r\nAUTH PLAIN ${plain}\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bob@d>\r\nRCPT TO:<x@d>\r\nDATA\r\n`)
  return { answer: client.send('Subject: x\r\n\r\nx\r\n.\r\n'), closed: client.closed }
}

test('SMTP: a cut after the final dot leaves an accepted message and no answer', () => {
  const world = createWorld()
  const fault = world.faults.add({
    on: { verb: '.', protocol: 'smtp' },
    do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' },
  })
  expect(submit(world)).toEqual({ answer: '', closed: 'rst' })
  expect(fault.fired).toBe(true)
  expect(world.submissions).toHaveLength(1)
})

test('SMTP: replies can be scripted for the dot and for one of the recipients', () => {
  const world = createWorld()
  world.faults.add({ on: { verb: '.' }, do: { kind: 'smtp-reply', reply: '451 4.3.0 Try later' } })
  world.faults.add({ on: { verb: 'RCPT', nth: 2 }, do: { kind: 'smtp-reply', reply: '550 5.1.1 No such user' } })
  expect(submit(world).answer).toBe('451 4.3.0 Try later\r\n')
  expect(world.submissions).toEqual([])
  expect(submit(world).answer).toMatch(/^250/u)
  expect(world.submissions.map(({ envelope }) => envelope.to)).toEqual([['bob@d', 'x@d']])
})

const play = (): string => {
  const world = createWorld()
  world.faults.add({ on: { verb: '*', nth: 4 }, do: { kind: 'answer', status: 'NO', text: 'four' } })
  world.faults.add({ on: { bytes: 1200, direction: 'server-to-client' }, do: { kind: 'cut' } })
  const client = world.selected()
  return ['a', 'b', 'c', 'd', 'e', 'f'].map((tag) => client.run(`${tag} LIST "" *`)).join('')
}

test('the same script meets the same run at the same places', () => {
  expect(play()).toBe(play())
  expect(play()).toContain('NO four')
})
