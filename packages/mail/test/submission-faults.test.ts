import type {
  CommitOutcome,
  LoginSettings,
  OpenOutcome,
  SubmissionEnvelope,
  SubmissionOptions,
  SubmissionSession,
} from '@everdraft/core'
import { TransmissionError, WireError } from '@everdraft/core'
import { smtp } from '@everdraft/mail'
import { createMailServer, type CutBy, type MailServer } from '@everdraft/mailserver'
import { createProxy, createSmtpSink, withSmtp } from '@everdraft/testkit'
import * as fc from 'fast-check'
import DataStream from 'nodemailer/lib/smtp-connection/data-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { createDotStuffer } from '../src/smtp/dot-stuffing.ts'
import { readProviderId } from '../src/smtp/provider-id.ts'

const ann = { host: '127.0.0.1', security: 'none' as const, user: 'ann', password: 'secret' }
const message = Buffer.from('Subject: x\r\n\r\n.text\r\n')
const body = {
  kind: 'bytes' as const,
  open: async function* () {
    yield message
  },
}
const envelope: SubmissionEnvelope = {
  from: 'ann@example.org',
  recipients: ['bob@example.org', 'carla@example.org'],
  size: message.length,
  eightBit: false,
  envid: null,
}

function connect(settings: LoginSettings, options: Partial<SubmissionOptions> = {}): Promise<SubmissionSession> {
  return smtp().connect(settings, { signal: new AbortController().signal, timeoutMs: 10_000, ...options })
}

async function failure(promise: Promise<unknown>): Promise<WireError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof WireError) return error
    throw error
  }
  throw new Error('It did not fail')
}

type End = OpenOutcome | CommitOutcome | TransmissionError

/** All the way; the mark is counted. */
async function sendOnce(session: SubmissionSession): Promise<{ readonly end: End; readonly marks: number }> {
  let marks = 0
  const beforeFinalDot = async (): Promise<void> => {
    marks += 1
  }
  try {
    const opened = await session.open(envelope)
    if (opened.kind !== 'ready') return { end: opened, marks }
    return { end: await session.commit(body, { beforeFinalDot }), marks }
  } catch (error) {
    if (error instanceof TransmissionError) return { end: error, marks }
    throw error
  }
}

describe('the embedded server at its worst', () => {
  let server: MailServer
  beforeEach(async () => {
    server = createMailServer({ users: [{ name: ann.user, password: ann.password }] })
    await server.listen()
  })
  afterEach(async () => {
    await server.close()
  })
  const settings = (): LoginSettings => ({ ...ann, port: server.smtpPort })

  test.each([
    ['MAIL', '451 4.3.0 later', { kind: 'temporary', reply: { code: 451, enhanced: '4.3.0', text: 'later' } }, 0],
    ['MAIL', '550 5.7.1 never', { kind: 'refused' }, 0],
    ['MAIL', '421 4.3.2 closing', { kind: 'temporary', reply: { code: 421 } }, 0],
    ['MAIL', '354 what', { code: 'REFUSED', phase: 'before-dot' }, 0],
    ['MAIL', 'garbage', { code: 'REFUSED', phase: 'before-dot' }, 0],
    ['RCPT', '451 4.2.0 later', { kind: 'accepted' }, 1],
    ['RCPT', '552 5.5.3 too many recipients', { kind: 'accepted' }, 1],
    ['RCPT', '421 4.3.2 closing', { kind: 'no-recipients' }, 0],
    ['DATA', '451 4.3.0 later', { kind: 'temporary' }, 0],
    ['DATA', '554 5.6.0 never', { kind: 'refused' }, 0],
    ['DATA', '250 what', { code: 'REFUSED', phase: 'before-dot' }, 0],
    ['.', '451 4.3.0 later', { kind: 'temporary' }, 0],
    ['.', '552 5.3.4 too big', { kind: 'refused', reply: { enhanced: '5.3.4' } }, 0],
    ['.', '421 4.3.2 closing', { kind: 'temporary' }, 0],
    // The fault answers without storing: it is the reply that is looked at.
    ['.', '299-odd\r\n299 but fine', { kind: 'accepted', reply: { text: 'odd but fine' } }, 0],
    ['.', '354 what', { code: 'REFUSED', phase: 'after-dot' }, 0],
    ['.', 'garbage', { code: 'REFUSED', phase: 'after-dot' }, 0],
  ])('%s is answered %j', async (verb, reply, expected, delivered) => {
    server.faults.add({ on: { verb, protocol: 'smtp' }, do: { kind: 'smtp-reply', reply } })
    const session = await connect(settings())
    const { end } = await sendOnce(session)
    expect(end).toMatchObject(expected)
    expect(server.submissions).toHaveLength(delivered)
    await session.close()
  })

  test('after a refusal the same session sends the next', async () => {
    server.faults.add({ on: { verb: 'DATA' }, do: { kind: 'smtp-reply', reply: '451 4.3.0 later' } })
    server.faults.add({ on: { verb: '.' }, do: { kind: 'smtp-reply', reply: '550 5.7.1 never' } })
    const session = await connect(settings())
    const kinds = [await sendOnce(session), await sendOnce(session), await sendOnce(session)].map(({ end }) => end)
    expect(kinds).toMatchObject([{ kind: 'temporary' }, { kind: 'refused' }, { kind: 'accepted' }])
    await session.close()
  })

  test.each(['fin', 'rst'] as const)(
    'H21 a %s after any byte of the dialogue: before the dot nobody has it, and never twice',
    { timeout: 120_000 },
    async (how: CutBy) => {
      const proxy = await createProxy({ target: { host: '127.0.0.1', port: server.smtpPort } })
      const through = { ...ann, port: proxy.port }
      const session = await connect(through)
      const before = session.bytes()
      expect((await sendOnce(session)).end).toMatchObject({ kind: 'accepted' })
      const length = {
        toServer: session.bytes().sent - before.sent,
        toClient: session.bytes().received - before.received,
      }
      await session.close()

      const ends = new Set<string>()
      for (const direction of ['toServer', 'toClient'] as const) {
        for (let bytes = 0; bytes < length[direction]; bytes += 1) {
          const one = await connect(through)
          const already = server.submissions.length
          const cut = proxy.cutAfter({ direction, bytes, how })
          const { end, marks } = await sendOnce(one)
          cut.cancel()
          const taken = server.submissions.length - already
          const what = end instanceof TransmissionError ? `${end.code} ${end.phase}` : end.kind
          ends.add(what)
          expect(taken, `${direction} ${bytes}`).toBeLessThanOrEqual(1)
          if (what.endsWith('before-dot')) expect(taken, `${direction} ${bytes}: ${what}`).toBe(0)
          if (what === 'accepted') expect(taken).toBe(1)
          if (what.endsWith('after-dot')) expect(marks).toBe(1)
          await one.close()
        }
      }
      expect(ends).toContain('CONNECTION_LOST before-dot')
      expect(ends).toContain('CONNECTION_LOST after-dot')
      await proxy.close()
    },
  )

  test('H23 nothing is sent again by itself: one connection, one MAIL', async () => {
    const proxy = await createProxy({ target: { host: '127.0.0.1', port: server.smtpPort } })
    const session = await connect({ ...ann, port: proxy.port })
    server.faults.add({ on: { verb: '.' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
    expect((await sendOnce(session)).end).toMatchObject({ code: 'CONNECTION_LOST', phase: 'after-dot' })
    expect(server.submissions).toHaveLength(1)
    expect(proxy.connections).toHaveLength(1)
    await proxy.close()
  })
})

describe('a scripted server', () => {
  const greeting = ['220 x ready\r\n', '250-x\r\n250 AUTH PLAIN LOGIN\r\n', '235 2.7.0 ok\r\n']

  test('what an envelope asks for goes as parameters, only where the server has them', async () => {
    const rich =
      '250-x\r\n250-SIZE 0\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-FUTURERELEASE 86400 2030-01-01T00:00:00Z\r\n250 PIPELINING\r\n'
    const ok = '250 2.1.0 ok\r\n'
    const asked: SubmissionEnvelope = {
      ...envelope,
      recipients: ['bob+x@example.org', 'jörg@bücher.example'],
      eightBit: true,
      envid: 'send+1',
      holdUntil: Date.UTC(2027, 0, 2, 3, 4, 5, 678),
    }
    const heard: string[] = []
    await withSmtp(
      [...greeting, rich, ok, ok, ok],
      async (port) => {
        const session = await connect({ ...ann, port })
        expect(session.capabilities).toMatchObject({
          sizeLimit: null,
          futureRelease: { longestSeconds: 86_400, latest: Date.UTC(2030, 0, 1) },
          authMechanisms: ['PLAIN', 'LOGIN'],
        })
        expect(await session.open(asked)).toMatchObject({ kind: 'ready' })
      },
      heard,
    )
    const utf8 = heard.slice(3).map((line) => Buffer.from(line, 'latin1').toString())
    expect(utf8).toEqual([
      `MAIL FROM:<ann@example.org> SIZE=${message.length} BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=send+2B1 HOLDUNTIL=2027-01-02T03:04:05Z`,
      'RCPT TO:<bob+x@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob+2Bx@example.org',
      String.raw`RCPT TO:<jörg@bücher.example> NOTIFY=FAILURE,DELAY ORCPT=utf-8;j\x{F6}rg@b\x{FC}cher.example`,
    ])
    const poor: string[] = []
    await withSmtp(
      [...greeting, '250 x\r\n', ok, ok, ok],
      async (port) => {
        const session = await connect({ ...ann, port })
        await session.open({ ...envelope, recipients: ['ann@bücher.example'], envid: 'send+1' })
        await session.reset()
      },
      poor,
    )
    expect(poor.slice(3, 5)).toEqual(['MAIL FROM:<ann@example.org>', 'RCPT TO:<ann@xn--bcher-kva.example>'])
  })

  test('a server that says no in the middle of the message is heard, and the mark is not made', async () => {
    const ok = '250 2.1.0 ok\r\n'
    const script = [...greeting, '250 x\r\n', ok, ok, '354 go\r\n', '552 5.3.4 that is enough\r\n']
    await withSmtp(script, async (port) => {
      const session = await connect({ ...ann, port })
      await session.open({ ...envelope, recipients: ['bob@example.org'] })
      let marks = 0
      const open = async function* (): AsyncGenerator<Uint8Array> {
        while (session.alive) {
          yield message
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      const outcome = await session.commit(
        { kind: 'bytes', open },
        {
          beforeFinalDot: async () => {
            marks += 1
          },
        },
      )
      expect(outcome).toMatchObject({ kind: 'refused', reply: { code: 552, enhanced: '5.3.4' } })
      expect(marks).toBe(0)
      expect(session.alive).toBe(false)
    })
  })

  test('silence after the dot, or a reply that never ends, is a time-out after the dot', async () => {
    const ok = '250 2.1.0 ok\r\n'
    for (const last of ['', '250-']) {
      const script = [...greeting, '250 x\r\n', ok, ok, '354 go\r\n', '', '', '', last]
      await withSmtp(script, async (port) => {
        const options = { timeoutMs: 300, finalReplyTimeoutMs: 300 }
        const session = await connect({ ...ann, port }, options)
        await session.open({ ...envelope, recipients: ['bob@example.org'] })
        const lost = await failure(session.commit(body, { beforeFinalDot: async () => {} }))
        expect(lost).toMatchObject({ code: 'TIMEOUT', phase: 'after-dot' })
      })
    }
  })
})

describe('secured', () => {
  test.each(['tls', 'starttls'] as const)(
    '%s needs a certificate that can be trusted, and then sends',
    async (security) => {
      const sink = await createSmtpSink({ security, users: { ann: 'secret' } })
      const settings = { ...ann, security, port: sink.port }
      expect(await failure(connect(settings))).toMatchObject({ code: 'CERTIFICATE' })
      const session = await connect({ ...settings, allowUntrusted: true })
      expect((await sendOnce(session)).end).toMatchObject({ kind: 'accepted', queueId: 'SINK1' })
      await session.close()
      expect(sink.received).toMatchObject([{ secure: true, user: 'ann' }])
      await sink.close()
    },
  )

  test('TLS on a port that speaks plainly is refused, and plain SMTP on a TLS port ends', async () => {
    const sink = await createSmtpSink()
    expect(await failure(connect({ ...ann, security: 'tls', port: sink.port }))).toMatchObject({ code: 'REFUSED' })
    await sink.close()
  })

  test('a token logs in; one that was refused is renewed once, and none is ever repeated', async () => {
    const sink = await createSmtpSink({ tokens: { ann: 'fresh-token' } })
    const asked: boolean[] = []
    const settings = (tokens: readonly string[]): LoginSettings => ({
      host: '127.0.0.1',
      security: 'none',
      user: 'ann',
      port: sink.port,
      auth: {
        type: 'oauth2',
        accessToken: async ({ renew }) => {
          asked.push(renew)
          return tokens[renew ? 1 : 0] ?? ''
        },
      },
    })
    const session = await connect(settings(['stale-token', 'fresh-token']))
    expect((await sendOnce(session)).end).toMatchObject({ kind: 'accepted' })
    await session.close()
    expect(asked).toEqual([false, true])
    const refused = await failure(connect(settings(['stale-token', 'other-token'])))
    expect(refused.code).toBe('AUTH_FAILED')
    expect(`${refused.message} ${String(refused.cause)}`).not.toContain('token-')
    expect(refused.message).not.toMatch(/stale|other/)
    await sink.close()
  })

  test('OAUTHBEARER is preferred, in the words of RFC 7628', async () => {
    const heard: string[] = []
    const script = ['220 x\r\n', '250-x\r\n250 AUTH XOAUTH2 OAUTHBEARER\r\n', '235 2.7.0 ok\r\n', '250 x\r\n']
    await withSmtp(
      script,
      async (port) => {
        const address = { host: ann.host, security: ann.security, user: 'a=b,c', port }
        await connect({ ...address, auth: { type: 'oauth2', accessToken: async () => 'token' } })
      },
      heard,
    )
    const [, mechanism, words = ''] = heard[1]?.split(' ') ?? []
    expect(mechanism).toBe('OAUTHBEARER')
    const said = Buffer.from(words, 'base64').toString().split('\x01')
    expect(said).toEqual([
      'n,a=a=3Db=2Cc,',
      'host=127.0.0.1',
      expect.stringMatching(/^port=\d+$/),
      'auth=Bearer token',
      '',
      '',
    ])
  })
})

describe('the parts', () => {
  test('dots are stuffed as nodemailer stuffs them, whatever the pieces', async () => {
    const piece = fc
      .array(fc.constantFrom('.', '\r', '\n', '\r\n', 'a', '..'), { maxLength: 6 })
      .map((all) => all.join(''))
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const stuffer = createDotStuffer()
        const ours = Buffer.concat([...pieces.map((one) => stuffer.stuff(Buffer.from(one))), stuffer.end()]).toString()
        const oracle = new DataStream()
        for (const one of pieces) if (one !== '') oracle.write(one)
        oracle.end()
        const theirs = Buffer.concat(await oracle.toArray()).toString()
        // An empty message has no line that is to be ended.
        expect(ours).toBe(pieces.join('') === '' ? '.\r\n' : theirs)
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['Ok: queued as 4ABCdef', '4ABCdef', null],
    ['OK id=1tXyZ-000000001-AbCd', '1tXyZ-000000001-AbCd', null],
    ['ok 1700000000 qp 12345', '12345', null],
    ['51DAbc01 Message accepted for delivery', '51DAbc01', null],
    ['OK  1700000000 a1-20020a05600c.12 - gsmtp', 'a1-20020a05600c.12', null],
    ['Ok 0100018b5c3c0a4f-aa-000000', '0100018b5c3c0a4f-aa-000000', null],
    ['OK <AB12@XY.prod.example.com> [Hostname=XY.prod.example.com]', null, '<AB12@XY.prod.example.com>'],
    ['<AB12@xy.example.com> [InternalId=12, Hostname=XY] Queued mail for delivery', null, '<AB12@xy.example.com>'],
    ['thank you', null, null],
  ])('the provider’s id in %j', (text, queueId, messageId) => {
    expect(readProviderId({ code: 250, enhanced: null, text })).toEqual({ queueId, messageId })
  })
})
