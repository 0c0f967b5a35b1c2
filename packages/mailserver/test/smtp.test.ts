import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { createDataReader } from '../src/smtp/data-reader.ts'
import { createWorld, latin1, lines, message, text, type TestClient, type World, type WorldOptions } from './harness.ts'

const plain = Buffer.from('\0alice\0secret').toString('base64')

function submitting(options: WorldOptions = {}): { readonly world: World; readonly client: TestClient } {
  const world = createWorld(options)
  const client = world.smtp()
  client.unasked()
  client.run('EHLO client.test')
  client.run(`AUTH PLAIN ${plain}`)
  return { world, client }
}

test('EHLO tells the extensions', () => {
  const client = createWorld().smtp()
  expect(client.unasked()).toBe('220 everdraft ESMTP ready\r\n')
  expect(lines(client.run('EHLO client.test'))).toEqual([
    '250-everdraft',
    '250-PIPELINING',
    '250-SIZE 1000000',
    '250-8BITMIME',
    '250-SMTPUTF8',
    '250-ENHANCEDSTATUSCODES',
    '250 AUTH PLAIN LOGIN',
  ])
  expect(client.run('HELO client.test')).toBe('250 everdraft\r\n')
})

// The world's clock.
const startMs = Date.UTC(2024, 0, 2, 3, 4, 5)

test('FUTURERELEASE is offered where it is on, and holds no message for longer than it says (RFC 4865)', () => {
  const { world, client } = submitting({ longestHoldSeconds: 60 })
  const at = (seconds: number): string => new Date(startMs + seconds * 1000).toISOString().replace(/\.\d+Z$/u, 'Z')
  expect(client.run('EHLO client.test')).toContain(`250 FUTURERELEASE 60 ${at(60)}\r\n`)
  for (const parameter of ['HOLDFOR=61', 'HOLDFOR=soon', `HOLDUNTIL=${at(120)}`, `HOLDFOR=1 HOLDUNTIL=${at(2)}`]) {
    expect(client.run(`MAIL FROM:<alice@example.test> ${parameter}`)).toMatch(/^501 5\.5\.4 /u)
  }
  expect(client.run('MAIL FROM:<alice@example.test> HOLDFOR=60')).toMatch(/^250/u)
  client.run('RCPT TO:<bob@example.test>')
  client.run('DATA')
  client.send('Subject: later\r\n\r\n.\r\n')
  expect(world.submissions.map(({ envelope }) => envelope.holdUntilMs)).toEqual([startMs + 60_000])
  expect(submitting().client.run('MAIL FROM:<alice@example.test> HOLDFOR=1')).toMatch(/^555 /u)
})

const auth = (...rounds: readonly string[]): string => {
  const client = createWorld().smtp()
  client.run('EHLO client.test')
  return rounds.map((round) => client.run(round)).at(-1) ?? ''
}

const base64 = (value: string): string => Buffer.from(value).toString('base64')

test('AUTH works by PLAIN and by LOGIN, at once or by challenges, and refuses wrong passwords', () => {
  expect(auth(`AUTH PLAIN ${plain}`)).toMatch(/^235 2\.7\.0/u)
  expect(auth('AUTH PLAIN', plain)).toMatch(/^235/u)
  expect(auth('AUTH LOGIN', base64('alice'), base64('secret'))).toMatch(/^235/u)
  expect(auth(`AUTH LOGIN ${base64('alice')}`, base64('secret'))).toMatch(/^235/u)
  expect(auth('AUTH LOGIN', base64('alice'), base64('wrong'))).toMatch(/^535 5\.7\.8/u)
  expect(auth('AUTH PLAIN', '*')).toMatch(/^501/u)
  expect(auth('AUTH CRAM-MD5')).toMatch(/^504/u)
})

test('an accepted message is recorded with its envelope and delivered to local users', () => {
  const { world, client } = submitting()
  const octets = message('hello')
  expect(client.run('MAIL FROM:<alice@example.test> SIZE=100 BODY=8BITMIME SMTPUTF8')).toBe('250 2.1.0 OK\r\n')
  expect(client.run('RCPT TO:<bob@example.test>')).toBe('250 2.1.5 OK\r\n')
  expect(client.run('RCPT TO:<someone@elsewhere.test>')).toBe('250 2.1.5 OK\r\n')
  expect(client.run('DATA')).toMatch(/^354 /u)
  expect(client.send(`${octets}.\r\n`)).toMatch(/^250 2\.0\.0/u)
  expect(world.submissions).toEqual([
    {
      envelope: {
        user: 'alice',
        from: 'alice@example.test',
        to: ['bob@example.test', 'someone@elsewhere.test'],
        body: '8BITMIME',
        smtpUtf8: true,
      },
      bytes: latin1(octets),
      acceptedAtMs: Date.UTC(2024, 0, 2, 3, 4, 5),
    },
  ])
  const [delivered] = world.store.find('bob', 'INBOX')?.messages() ?? []
  expect(text(delivered?.bytes ?? new Uint8Array())).toBe(
    `Return-Path: <alice@example.test>\r\nReceived: by everdraft with ESMTP; Tue, 02 Jan 2024 03:04:05 +0000\r\n${octets}`,
  )
  expect(world.store.find('alice', 'INBOX')?.messages()).toEqual([])
})

test('addresses decide who is local, where a user lists any', () => {
  const { world, client } = submitting({
    users: [
      { name: 'alice', password: 'secret' },
      { name: 'bob', password: 'secret', addresses: ['Robert@example.test'] },
    ],
  })
  client.send('MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nx\r\n.\r\n')
  client.send('MAIL FROM:<>\r\nRCPT TO:<robert@EXAMPLE.test>\r\nDATA\r\nx\r\n.\r\n')
  expect(world.submissions.map(({ envelope }) => envelope.from)).toEqual(['', ''])
  expect(world.store.find('bob', 'INBOX')?.messages()).toHaveLength(1)
})

test('a pipelined conversation is answered in order', () => {
  const { client } = submitting()
  const answer = client.send(
    'MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\nRSET\r\nNOOP\r\nVRFY x\r\nFOO\r\nQUIT\r\n',
  )
  expect(lines(answer).map((line) => line.slice(0, 3))).toEqual('250 250 354 250 250 250 252 500 221'.split(' '))
  expect(client.closed).toBe('fin')
})

test('commands out of order, bad syntax and unknown parameters are refused', () => {
  const client = createWorld().smtp()
  client.unasked()
  expect(client.run('MAIL FROM:<a@b>')).toMatch(/^503/u)
  client.run('EHLO x')
  expect(client.run('MAIL FROM:<a@b>')).toMatch(/^530 5\.7\.0/u)
  client.run(`AUTH PLAIN ${plain}`)
  expect(client.run('RCPT TO:<a@b>')).toMatch(/^503/u)
  expect(client.run('MAIL FROM:a@b')).toMatch(/^501/u)
  expect(client.run('MAIL FROM:<a@b> FOO=1')).toMatch(/^555/u)
  expect(client.run('MAIL FROM:<a@b> SIZE=1000001')).toMatch(/^552 5\.3\.4/u)
  client.run('MAIL FROM:<a@b>')
  expect(client.run('MAIL FROM:<a@b>')).toMatch(/^503/u)
  expect(client.run('DATA')).toMatch(/^554/u)
  client.run('RSET')
  expect(client.run('DATA')).toMatch(/^503/u)
})

test('a message over SIZE is refused after its dot, and nothing of it is kept', () => {
  const { world, client } = submitting({ maxMessageBytes: 100 })
  client.send('MAIL FROM:<a@b>\r\nRCPT TO:<bob@d>\r\nDATA\r\n')
  expect(client.send(`${'x'.repeat(99)}\r\n.\r\n`)).toMatch(/^552/u)
  expect(world.submissions).toEqual([])
  expect(world.store.find('bob', 'INBOX')?.messages()).toEqual([])
})

test('a connection that ends before the dot submits nothing', () => {
  const { world, client } = submitting()
  client.send('MAIL FROM:<a@b>\r\nRCPT TO:<bob@d>\r\nDATA\r\nx\r\n.\r')
  expect(world.submissions).toEqual([])
  client.send('\n')
  expect(world.submissions).toHaveLength(1)
})

test('only CRLF.CRLF ends a message', () => {
  const { world, client } = submitting()
  client.send('MAIL FROM:<a@b>\r\nRCPT TO:<bob@d>\r\nDATA\r\n')
  expect(client.send('x\n.\nMAIL FROM:<evil@b>\r\n.\nstill\r\n..\r\n.x\r\n.\r\n')).toMatch(/^250 2\.0\.0[^\n]*\n$/u)
  expect(text(world.submissions[0]?.bytes ?? new Uint8Array())).toBe(
    'x\n.\nMAIL FROM:<evil@b>\r\n\nstill\r\n.\r\nx\r\n',
  )
})

test('whatever is stuffed and cut anywhere comes out as it was', () => {
  const line = fc
    .array(fc.constantFrom('.', '..', 'a', '\r', '\n', ' '), { maxLength: 6 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(80), { maxLength: 10 }), (all, cuts) => {
      const original = all.map((each) => `${each}\r\n`).join('')
      const wire = latin1(`${original.replaceAll(/(^|\r\n)\./gu, '$1..')}.\r\nQUIT\r\n`)
      const places = [0, ...cuts.map((cut) => cut % wire.length), wire.length].toSorted((a, b) => a - b)
      const reader = createDataReader()
      let received: string | undefined
      for (const [index, place] of places.slice(1).entries()) {
        const start = places[index] ?? 0
        const end = reader.receive(wire.slice(start, place))
        if (end === undefined) continue
        received = text(end.message)
        expect(start + end.used).toBe(wire.length - 'QUIT\r\n'.length)
        break
      }
      expect(received).toBe(original)
    }),
    { numRuns: 500 },
  )
})
