import { smtp } from '@everdraft/mail'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { createSmtpSink, exerciseSubmission, type SmtpSink, type SubmissionExpectations } from '@everdraft/testkit'
import { afterAll, beforeAll, describe } from 'vitest'

const ann = { user: 'ann', password: 'secret' }
const loopback = { host: '127.0.0.1', security: 'none' as const, ...ann }

describe('smtp() in front of the embedded server', () => {
  let server: MailServer
  beforeAll(async () => {
    server = createMailServer({
      users: [
        { name: ann.user, password: ann.password },
        { name: 'bob', password: 'secret' },
      ],
    })
    await server.listen()
  })
  afterAll(async () => {
    await server.close()
  })
  exerciseSubmission(
    () => ({
      port: smtp(),
      settings: { ...loopback, port: server.smtpPort },
      from: 'ann@example.org',
      recipients: ['bob@example.org', 'carla@example.org'],
      delivered: async (text) =>
        server.submissions
          .map(({ bytes, envelope }) => ({ bytes: Buffer.from(bytes), recipients: envelope.to }))
          .filter(({ bytes }) => bytes.includes(text)),
    }),
    {
      size: true,
      eightBitMime: true,
      smtpUtf8: true,
      pipelining: true,
      dsn: false,
      burl: false,
      chunking: false,
      refusesRecipients: false,
      limitsSize: true,
      checksPasswords: true,
      exactBytes: true,
    },
  )
})

const sinkExpectations: SubmissionExpectations = {
  size: true,
  eightBitMime: true,
  smtpUtf8: true,
  pipelining: true,
  dsn: true,
  burl: false,
  chunking: false,
  refusesRecipients: true,
  limitsSize: true,
  checksPasswords: true,
  exactBytes: true,
}

describe.each([
  { name: 'all it can do', without: [], expected: sinkExpectations },
  {
    name: 'next to nothing',
    without: ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'DSN'],
    expected: { ...sinkExpectations, pipelining: false, eightBitMime: false, smtpUtf8: false, dsn: false },
  },
] as const)('smtp() in front of a sink with $name', ({ without, expected }) => {
  let sink: SmtpSink
  beforeAll(async () => {
    sink = await createSmtpSink({
      users: { [ann.user]: ann.password },
      sizeLimit: 50_000_000,
      without: [...without],
      refuse: (address) => {
        if (address.startsWith('nobody@')) return { code: 550, text: '5.1.1 No such user' }
        return address.startsWith('busy@') ? { code: 451, text: '4.2.0 Try again later' } : null
      },
    })
  })
  afterAll(async () => {
    await sink.close()
  })
  exerciseSubmission(
    () => ({
      port: smtp(),
      settings: { ...loopback, port: sink.port },
      from: 'ann@example.org',
      recipients: ['bob@example.org', 'carla@example.org'],
      refused: 'nobody@example.org',
      temporary: 'busy@example.org',
      delivered: async (text) => sink.received.filter(({ bytes }) => bytes.includes(text)),
    }),
    expected,
  )
})
