import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { WireError } from '@everdraft/core'
import { expect, test } from 'vitest'
import { append, mail, noise, uidsOf, type MailboxExpectations, type MailboxFixture } from './mailbox-fixture.ts'

export function exerciseConnecting(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  test('says what the server can do', () => {
    const { soundParts: _, ...capabilities } = expected
    expect(fixture().session.capabilities).toMatchObject(capabilities)
    expect(fixture().session.alive).toBe(true)
  })

  test('names an append limit only where there is one', () => {
    const { appendLimit } = fixture().session.capabilities
    expect(appendLimit === null || appendLimit > 0).toBe(true)
  })

  test('fails with AUTH_FAILED for a wrong password, and never repeats it', async () => {
    const { connect, settings } = fixture()
    const error = await failure(connect({}, { ...settings, password: 'no-such-password' }))
    expect(error.code).toBe('AUTH_FAILED')
    expect(error.message).toContain(`${settings.host}:${settings.port}`)
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('no-such-password')
  })

  test('fails with UNREACHABLE where nobody listens', async () => {
    const { connect, settings } = fixture()
    const port = await withServer(
      () => {},
      async (free) => free,
    )
    const error = await failure(connect({}, { ...settings, port }))
    expect(error).toMatchObject({ code: 'UNREACHABLE', isConnectivity: true })
    expect(error.message).toContain(`${settings.host}:${port} refused the connection`)
  })

  test('fails with TIMEOUT where a server stays silent', async () => {
    const { connect, settings } = fixture()
    await withServer(
      () => {},
      async (port) => {
        const error = await failure(connect({ timeoutMs: 200 }, { ...settings, port }))
        expect(error).toMatchObject({ code: 'TIMEOUT', isConnectivity: true })
      },
    )
  })

  test('fails with REFUSED and its words where a server says BYE', async () => {
    const { connect, settings } = fixture()
    await withServer(
      (write) => write('* BYE too many connections from you\r\n'),
      async (port) => {
        const error = await failure(connect({}, { ...settings, port }))
        expect(error.code).toBe('REFUSED')
        expect(error.message).toContain('too many connections from you')
      },
    )
  })

  test('fails with REFUSED where STARTTLS is wanted and not offered', async () => {
    const { connect, settings } = fixture()
    await withServer(
      (write, line) => {
        if (line === null) write('* OK [CAPABILITY IMAP4rev1] ready\r\n')
        else write(`* CAPABILITY IMAP4rev1\r\n${line.split(' ')[0]} OK done\r\n`)
      },
      async (port) => {
        const error = await failure(connect({}, { ...settings, port, security: 'starttls' }))
        expect(error.code).toBe('REFUSED')
        expect(error.message).toContain('STARTTLS')
      },
    )
  })

  test('ends at once when it is aborted before, while connecting, and later', async () => {
    const { connect, settings, folder } = fixture()
    expect(await failure(connect({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' })

    await withServer(
      () => {},
      async (port) => {
        const controller = new AbortController()
        const connecting = failure(connect({ signal: controller.signal }, { ...settings, port }))
        controller.abort()
        expect(await connecting).toMatchObject({ code: 'ABORTED', isConnectivity: false })
      },
    )

    const controller = new AbortController()
    const session = await connect({ signal: controller.signal })
    const running = failure(session.select(folder))
    controller.abort()
    expect(await running).toMatchObject({ code: 'ABORTED' })
    expect(session.alive).toBe(false)
    expect(await failure(session.uids())).toMatchObject({ code: 'ABORTED' })
  })

  test('counts the bytes that go over the line, in both directions, from the login on', async () => {
    const { connectThroughProxy, folder } = fixture()
    const { session, proxy } = await connectThroughProxy()
    await session.select(folder)
    await append(session, folder, mail('<bytes@example.org>', noise(200_000)))
    await session.uids()
    expect(session.bytes()).toEqual({ sent: proxy.bytes.toServer, received: proxy.bytes.toClient })
    expect(session.bytes().sent).toBeGreaterThan(100_000)
  })

  test('runs commands in the order of the calls, however they are awaited', async () => {
    const { session, folder } = fixture()
    const [, before, , between, , after] = await Promise.all([
      append(session, folder, mail('<1@example.org>')),
      session.select(folder),
      append(session, folder, mail('<2@example.org>', 'x'.repeat(20_000))),
      session.select(folder),
      append(session, folder, mail('<3@example.org>')),
      session.select(folder),
    ])
    expect([before?.exists, between?.exists, after?.exists]).toEqual([1, 2, 3])
  })

  test('is dead after close, and what was marked is still there', async () => {
    const { session, folder, connect } = fixture()
    await append(session, folder, mail('<marked@example.org>'))
    await session.select(folder)
    const [uid] = await session.uids()
    await session.markDeleted(uidsOf(uid ?? 0))
    await session.close()
    await session.close()
    expect(session.alive).toBe(false)
    expect(await failure(session.select(folder))).toBeInstanceOf(WireError)

    const again = await connect()
    await again.select(folder)
    expect(await again.deletedUids()).toEqual([uid])
  })
}

export async function failure(promise: Promise<unknown>): Promise<WireError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof WireError) return error
    throw error
  }
  throw new Error('It did not fail')
}

type Answer = (write: (text: string) => void, line: string | null) => void

/** A server for as long as `use` takes: `answer` hears the connection (null) and every line after it. */
async function withServer<T>(answer: Answer, use: (port: number) => Promise<T>): Promise<T> {
  const sockets = new Set<{ destroy(): unknown }>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    const write = (text: string): void => void socket.write(text)
    answer(write, null)
    socket.on('data', (data) => {
      for (const line of data.toString('latin1').split('\r\n').slice(0, -1)) answer(write, line)
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
