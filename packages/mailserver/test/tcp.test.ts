import { createServer } from 'node:net'

import { afterEach, expect, test } from 'vitest'

import { createMailServer, type MailServer, type MailServerOptions } from '../src/index.ts'
import { message, text, users } from './harness.ts'
import { connectTo, type SocketClient } from './sockets.ts'

const open = new Set<{ readonly close: () => Promise<void> }>()
afterEach(async () => {
  for (const server of open) await server.close()
  open.clear()
})

async function listening(options: Partial<MailServerOptions> = {}): Promise<MailServer> {
  const server = createMailServer({ users, ...options })
  open.add(server)
  await server.listen()
  return server
}

async function loggedIn(server: MailServer): Promise<SocketClient> {
  const client = connectTo(server.imapPort)
  await client.run('in LOGIN alice secret')
  return client
}

const appendCommand = (octets: string): string => `app APPEND Drafts {${octets.length}+}\r\n${octets}`

test('mail goes in and out over TCP, and tests see it', async () => {
  const server = await listening()
  const client = await loggedIn(server)
  expect(await client.run(appendCommand(message('one')))).toContain('app OK [APPENDUID')
  const [stored] = server.mailbox('alice', 'Drafts')
  expect(stored?.uid).toBe(1)
  expect(text(stored?.bytes ?? new Uint8Array())).toBe(message('one'))
  expect(() => server.mailbox('alice', 'nowhere')).toThrow('alice has no mailbox "nowhere"')
  client.destroy()
})

test('mail submitted over TCP arrives in the INBOX', async () => {
  const server = await listening()
  const client = connectTo(server.smtpPort)
  await client.until(/^220 [^\n]*\n/u)
  client.write(`EHLO x\r\nAUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}\r\n`)
  await client.until(/235 [^\n]*\n/u)
  client.write(`MAIL FROM:<alice@x>\r\nRCPT TO:<bob@x>\r\nDATA\r\n${message('hi')}.\r\n`)
  await client.until(/250 2\.0\.0 [^\n]*\n/u)
  expect(server.submissions.map(({ bytes }) => text(bytes))).toEqual([message('hi')])
  expect(server.mailbox('bob', 'INBOX')).toHaveLength(1)
  client.destroy()
})

test('close ends all connections; listen again takes the same ports, and the mail is still there', async () => {
  const server = await listening()
  const { imapPort, smtpPort } = server
  const client = await loggedIn(server)
  await client.run(appendCommand(message('one')))
  await server.close()
  await client.untilEnded()
  const refused = connectTo(imapPort)
  expect(await refused.untilEnded()).toBe('rst')
  await server.listen()
  expect([server.imapPort, server.smtpPort]).toEqual([imapPort, smtpPort])
  const again = await loggedIn(server)
  expect(await again.run('a SELECT Drafts')).toContain('* 1 EXISTS')
  again.destroy()
})

test('listen on a port that is taken fails, leaves nothing open, and may be tried again', async () => {
  const server = createMailServer({ users })
  open.add(server)
  // Once it is free again, somebody else may be given it first.
  for (let attempt = 1; ; attempt += 1) {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const taken = typeof address === 'object' && address !== null ? address.port : 0
    await expect(server.listen({ smtpPort: taken })).rejects.toThrow('EADDRINUSE')
    await new Promise((resolve) => other.close(resolve))
    const again = await server.listen({ smtpPort: taken }).catch((error: unknown) => error)
    if (again instanceof Error && attempt < 5) continue
    expect(again).toBeUndefined()
    expect(server.smtpPort).toBe(taken)
    break
  }
  await expect(server.listen()).rejects.toThrow('listening already')
})

test('a paused server says nothing until it is resumed', async () => {
  const server = await listening()
  const client = await loggedIn(server)
  const other = await loggedIn(server)
  server.pause()
  client.write('a NOOP\r\n')
  const late = connectTo(server.imapPort)
  // The server has accepted the connection by the time another process-wide round trip is over.
  await new Promise<void>((resolve) => {
    const probe = createServer((socket) => {
      socket.destroy()
      probe.close(() => resolve())
    })
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      connectTo(typeof address === 'object' && address !== null ? address.port : 0)
        .untilEnded()
        .catch(resolve)
    })
  })
  expect(client.received).not.toContain('a OK')
  expect(late.received).toBe('')
  server.resume()
  expect(await client.until(/a OK[^\n]*\n/u)).toContain('a OK')
  expect(await late.until(/\* OK[^\n]*\n/u)).toContain('ready')
  for (const each of [client, other, late]) each.destroy()
})

test('a cut by FIN lets what was sent arrive; a cut by RST is a reset', async () => {
  const server = await listening()
  const gentle = await loggedIn(server)
  const fin = server.faults.add({ on: { bytes: 20, direction: 'server-to-client' }, do: { kind: 'cut', by: 'fin' } })
  const before = gentle.received.length
  gentle.write('a LIST "" *\r\n')
  expect(await gentle.untilEnded()).toBe('fin')
  expect(gentle.received.length - before).toBe(20)
  const rough = await loggedIn(server)
  const rst = server.faults.add({ on: { verb: 'NOOP' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
  rough.write('a NOOP\r\n')
  expect(await rough.untilEnded()).toBe('rst')
  expect([fin.fired, rst.fired]).toEqual([true, true])
})

test('a FIN in the middle of a large upload does not turn into a reset', async () => {
  const server = await listening()
  const client = await loggedIn(server)
  server.faults.add({ on: { bytes: 100_000, direction: 'client-to-server' }, do: { kind: 'cut', by: 'fin' } })
  client.write(`a APPEND Drafts {2000000+}\r\n${'x'.repeat(1_000_000)}`)
  expect(await client.untilEnded()).toBe('fin')
  expect(server.mailbox('alice', 'Drafts')).toEqual([])
})

test('a refused connection is reset', async () => {
  const server = await listening()
  const fault = server.faults.add({ on: { connect: 'every', protocol: 'imap' }, do: { kind: 'refuse' } })
  expect(await connectTo(server.imapPort).untilEnded()).toBe('rst')
  fault.remove()
  const client = await loggedIn(server)
  client.destroy()
})

test('a delayed reply comes', async () => {
  const server = await listening()
  const client = await loggedIn(server)
  const fault = server.faults.add({ on: { verb: 'NOOP' }, do: { kind: 'delay-reply', delayMs: 30 } })
  expect(await client.run('a NOOP')).toContain('a OK')
  expect(fault.fired).toBe(true)
  client.destroy()
})

test('a UIDVALIDITY reset ends the sessions that have the mailbox selected', async () => {
  const server = await listening()
  const client = await loggedIn(server)
  await client.run('a SELECT Drafts')
  server.resetUidValidity('alice', 'Drafts')
  await client.until(/\* BYE [^\n]*\n/u)
  expect(await client.untilEnded()).toBe('fin')
})

test('a client that hangs up in the middle of a literal stores nothing and harms nobody', async () => {
  const server = await listening()
  const client = await loggedIn(server)
  client.write('a APPEND Drafts {1000+}\r\nSubject: half')
  client.destroy()
  const other = await loggedIn(server)
  expect(await other.run('b STATUS Drafts (MESSAGES)')).toContain('(MESSAGES 0)')
  other.destroy()
})
