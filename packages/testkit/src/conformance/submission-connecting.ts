import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { failure } from './mailbox-connecting.ts'
import { onlyIf } from './mailbox-fixture.ts'
import type { SubmissionExpectations, SubmissionFixture } from './submission-fixture.ts'

export function exerciseSubmissionConnecting(fixture: () => SubmissionFixture, expected: SubmissionExpectations): void {
  test('says what the server can do', () => {
    const { size, eightBitMime, smtpUtf8, pipelining, dsn, burl, chunking } = expected
    expect(fixture().session.capabilities).toMatchObject({
      size,
      eightBitMime,
      smtpUtf8,
      pipelining,
      dsn,
      burl,
      chunking,
    })
    expect(fixture().session.alive).toBe(true)
  })

  onlyIf(expected.checksPasswords)('fails with AUTH_FAILED for a wrong password, and never repeats it', async () => {
    const { connect, settings } = fixture()
    const error = await failure(connect({}, { ...settings, password: 'no-such-password' }))
    expect(error.code).toBe('AUTH_FAILED')
    expect(error.message).toContain(`${settings.host}:${settings.port}`)
    const encoded = Buffer.from('no-such-password').toString('base64').slice(0, 12)
    const said = `${error.message} ${JSON.stringify(error)} ${String(error.cause)}`
    expect(said).not.toContain('no-such-password')
    expect(said).not.toContain(encoded)
  })

  test('fails with UNREACHABLE where nobody listens', async () => {
    const { connect, settings } = fixture()
    const port = await withSmtp([], async (free) => free)
    const error = await failure(connect({}, { ...settings, port }))
    expect(error).toMatchObject({ code: 'UNREACHABLE', isConnectivity: true })
    expect(error.message).toContain(`${settings.host}:${port} refused the connection`)
  })

  test('fails with TIMEOUT where a server stays silent, or dribbles', async () => {
    const { connect, settings } = fixture()
    for (const greeting of ['', '220-']) {
      await withSmtp([greeting], async (port) => {
        const error = await failure(connect({ timeoutMs: 200 }, { ...settings, port }))
        expect(error).toMatchObject({ code: 'TIMEOUT', isConnectivity: true })
      })
    }
  })

  test('fails with REFUSED and its words where a server wants no connection', async () => {
    const { connect, settings } = fixture()
    await withSmtp(['421 4.7.0 too many connections from you\r\n'], async (port) => {
      const error = await failure(connect({}, { ...settings, port }))
      expect(error.code).toBe('REFUSED')
      expect(error.message).toContain('too many connections from you')
    })
  })

  test('never goes on without TLS where STARTTLS is wanted and not offered, and says nothing of the password', async () => {
    const { connect, settings } = fixture()
    const heard: string[] = []
    const script = ['220 x ready\r\n', '250-x\r\n250 AUTH PLAIN LOGIN\r\n', '502 5.5.1 no such command\r\n']
    await withSmtp(
      script,
      async (port) => {
        const error = await failure(connect({}, { ...settings, port, security: 'starttls' }))
        expect(error.code).toBe('REFUSED')
        expect(error.message).toContain('STARTTLS')
      },
      heard,
    )
    expect(heard.map((line) => line.split(' ')[0])).toEqual(['EHLO', 'STARTTLS'])
  })

  test('tells the server no name of this device', async () => {
    const { connect, settings } = fixture()
    const heard: string[] = []
    const script = [
      '220 x ready\r\n',
      '250-x\r\n250 SIZE 1000\r\n',
      '250-x\r\n250-PIPELINING\r\n250 SIZE 1000\r\n',
      '221 bye\r\n',
    ]
    await withSmtp(
      script,
      async (port) => {
        const session = await connect({}, { ...settings, port, user: '' })
        expect(session.capabilities).toMatchObject({ sizeLimit: 1000, pipelining: true, burl: false })
        await session.close()
      },
      heard,
    )
    expect(heard).toEqual(['EHLO [127.0.0.1]', 'EHLO [127.0.0.1]', 'QUIT'])
  })

  test('ends at once when it is aborted before, while connecting, and later', async () => {
    const { connect, settings, envelope } = fixture()
    expect(await failure(connect({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' })

    await withSmtp([''], async (port) => {
      const controller = new AbortController()
      const connecting = failure(connect({ signal: controller.signal }, { ...settings, port }))
      controller.abort()
      expect(await connecting).toMatchObject({ code: 'ABORTED', isConnectivity: false })
    })

    const controller = new AbortController()
    const session = await connect({ signal: controller.signal })
    const running = failure(session.open(envelope()))
    controller.abort()
    expect(await running).toMatchObject({ code: 'ABORTED', phase: 'before-dot' })
    expect(session.alive).toBe(false)
    expect(await failure(session.open(envelope()))).toMatchObject({ code: 'ABORTED' })
  })

  test('counts the bytes that go over the line, in both directions, from the login on', async () => {
    const { connectThroughProxy, envelope } = fixture()
    const { session, proxy } = await connectThroughProxy()
    await session.open(envelope())
    expect(session.bytes()).toEqual({ sent: proxy.bytes.toServer, received: proxy.bytes.toClient })
    expect(session.bytes().sent).toBeGreaterThan(50)
  })
}

/** A server for as long as `use` takes: it says the first line of the script at once, and the next after each line that it hears. */
export async function withSmtp<T>(
  script: readonly string[],
  use: (port: number) => Promise<T>,
  heard: string[] = [],
): Promise<T> {
  const sockets = new Set<{ destroy(): unknown }>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const [greeting, ...answers] = script
    socket.on('error', () => {})
    socket.write(greeting ?? '')
    socket.on('data', (data) => {
      for (const line of data.toString('latin1').split('\r\n').slice(0, -1)) {
        heard.push(line)
        socket.write(answers.shift() ?? '')
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    return await use(port)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}
