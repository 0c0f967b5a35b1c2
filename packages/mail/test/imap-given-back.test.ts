import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createServer } from 'node:tls'

import type { FolderPath } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'
import { expect, test } from 'vitest'

import { certificate } from './scripted-server.ts'

const header = Buffer.from('Message-ID: <large@example.org>\r\n\r\n')

/** Lines that are all different. */
function lines(bytes: number): Buffer {
  return Buffer.concat(
    Array.from({ length: bytes / 16 }, (_, index) => Buffer.from(`${String(index).padStart(14, '.')}\r\n`)),
  )
}

/** A server that everything goes to by way of TLS. */
async function startTls(target: number): Promise<{ readonly port: number; close(): void }> {
  const server = createServer(certificate, (client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const socket of [client, upstream]) socket.on('error', () => {})
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
}

test.each([
  { security: 'none', compress: false },
  { security: 'none', compress: true },
  { security: 'tls', compress: false },
  { security: 'tls', compress: true },
] as const)(
  'with security $security and compress $compress each piece is on the line before its memory is gone',
  async ({ security, compress }) => {
    const mailServer = createMailServer({ users: [{ name: 'ann', password: 'secret' }] })
    await mailServer.listen()
    const tls = await startTls(mailServer.imapPort)
    try {
      const port = security === 'tls' ? tls.port : mailServer.imapPort
      const settings = { host: '127.0.0.1', port, security, user: 'ann', password: 'secret', compress }
      const options = { signal: new AbortController().signal, timeoutMs: 20_000 }
      const session = await imap().connect({ ...settings, allowUntrusted: true }, options)
      const whole = lines(3_000_000)
      const open = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        let size = 1
        for (let at = 0; at < whole.length; at += size) {
          // Small ones that are gathered, and large ones that are not.
          size = size > 300_000 ? 1 : size * 3
          const memory = Uint8Array.from(whole.subarray(at, at + size))
          yield memory
          memory.fill(0)
          memory.buffer.transfer(0)
        }
      }
      const stored = await session.append({
        folder: 'Drafts' as FolderPath,
        flags: [],
        segments: [
          { kind: 'bytes', bytes: header },
          { kind: 'stream', size: whole.length, open },
        ],
      })
      expect(stored.kind).toBe('stored')
      const [message] = mailServer.mailbox('ann', 'Drafts')
      expect(Buffer.concat([header, whole]).equals(message!.bytes)).toBe(true)
      await session.close()
    } finally {
      tls.close()
      await mailServer.close()
    }
  },
)
