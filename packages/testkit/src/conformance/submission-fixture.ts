import type {
  CommitOutcome,
  OpenOutcome,
  ServerSettings,
  SubmissionBody,
  SubmissionCapabilities,
  SubmissionEnvelope,
  SubmissionOptions,
  SubmissionPort,
  SubmissionSession,
} from '@everdraft/core'
import { createProxy, type Proxy } from '../proxy.ts'

/** What a server must turn out to support; the suite asks by these and never by the server's name. */
export interface SubmissionExpectations extends Pick<
  SubmissionCapabilities,
  'size' | 'eightBitMime' | 'smtpUtf8' | 'pipelining' | 'dsn' | 'burl' | 'chunking'
> {
  /** It answers RCPT for the addresses of `SubmissionSubject.refused` and `.temporary` in that way. */
  readonly refusesRecipients: boolean
  /** SIZE names a limit. */
  readonly limitsSize: boolean
  /** A wrong password is refused. */
  readonly checksPasswords: boolean
  /** It keeps every byte of a message as it came. */
  readonly exactBytes: boolean
}

/** What somebody got, or would get, of what the server answered with 250. */
export interface Delivered {
  readonly bytes: Buffer
  /** In any order. */
  readonly recipients: readonly string[]
}

/** One adapter in front of one server. */
export interface SubmissionSubject {
  readonly port: SubmissionPort
  /** A user's account on the server, without TLS. */
  readonly settings: ServerSettings
  readonly from: string
  /** Two addresses that the server takes mail for. */
  readonly recipients: readonly [string, string]
  readonly refused?: string
  readonly temporary?: string
  /** All mail with that text in it which the server has taken. */
  readonly delivered: (text: string) => Promise<readonly Delivered[]>
}

/** What one test gets, all of it gone after the test. */
export interface SubmissionFixture extends SubmissionSubject {
  readonly session: SubmissionSession
  /** Stands in every message of this test, and in no other. */
  readonly token: string
  readonly connect: (options?: Partial<SubmissionOptions>, settings?: ServerSettings) => Promise<SubmissionSession>
  /** A session through a proxy that can cut and counts. */
  readonly connectThroughProxy: () => Promise<{ readonly session: SubmissionSession; readonly proxy: Proxy }>
  readonly envelope: (changes?: Partial<SubmissionEnvelope>) => SubmissionEnvelope
  readonly close: () => Promise<void>
}

let tokens = 0

export async function openSubmission(subject: SubmissionSubject): Promise<SubmissionFixture> {
  const { port, settings, from, recipients } = subject
  const closers: (() => Promise<void>)[] = []
  const connect: SubmissionFixture['connect'] = async (options = {}, to = settings) => {
    const session = await port.connect(to, { signal: new AbortController().signal, timeoutMs: 20_000, ...options })
    closers.push(() => session.close())
    return session
  }
  tokens += 1
  return {
    ...subject,
    token: `token-${process.pid}-${Date.now().toString(36)}-${tokens}`,
    session: await connect(),
    connect,
    connectThroughProxy: async () => {
      const proxy = await createProxy({ target: { host: settings.host, port: settings.port } })
      closers.push(() => proxy.close())
      return { session: await connect({}, { ...settings, port: proxy.port }), proxy }
    },
    envelope: (changes) => ({ from, recipients, size: 1000, eightBit: false, envid: null, ...changes }),
    close: async () => {
      for (const close of closers.toReversed()) await close()
    },
  }
}

/** A small message with the test's token; what `body` is given ends in CRLF or does not. */
export function mailOf({ token, from }: Pick<SubmissionFixture, 'token' | 'from'>, body = 'text\r\n'): Buffer {
  const header = [
    `From: ${from}`,
    'To: somebody@example.org',
    `Subject: ${token}`,
    `Message-ID: <${token}@example.org>`,
  ]
  return Buffer.from(`${header.join('\r\n')}\r\n\r\n${body}`)
}

export function bytesOf(...pieces: readonly Uint8Array[]): SubmissionBody {
  return {
    kind: 'bytes',
    open: async function* () {
      yield* pieces
    },
  }
}

export const noMark = { beforeFinalDot: async (): Promise<void> => {} }

/** Opens and commits. Fails unless somebody was accepted. */
export async function submit(
  session: SubmissionSession,
  envelope: SubmissionEnvelope,
  body: SubmissionBody,
): Promise<CommitOutcome> {
  const opened = await session.open(envelope)
  if (opened.kind !== 'ready') throw new Error(`The server takes mail for nobody: ${JSON.stringify(opened)}`)
  return session.commit(body, noMark)
}

export function kindsOf(outcome: OpenOutcome): readonly string[] {
  return outcome.kind === 'ready' || outcome.kind === 'no-recipients' ? outcome.recipients.map(({ kind }) => kind) : []
}

/** What stands after the header. */
export function bodyOf(bytes: Buffer): string {
  return bytes.subarray(bytes.indexOf('\r\n\r\n') + 4).toString('latin1')
}
