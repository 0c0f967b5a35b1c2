import { type EngineTiming, type SendId, type SendRecord, type ServerAddress } from '@everdraft/core'
import { smtp } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'
import { createFaultySmtpSink, createProxy, type FaultySmtpSink, type Proxy } from '@everdraft/testkit'

import { type Device, incompressible, openDevice, type TargetServer } from '../live/harness.ts'

/** Who every mail here goes to: two, so that one answer can be for one of them. */
const recipients: readonly string[] = ['bob@example.com', 'carla@example.com']

export interface FaultySenderOptions {
  readonly smtp?: Partial<ServerAddress>
  readonly pipelining?: boolean
  readonly timing?: Partial<EngineTiming>
  /** How long the answer to the dot is waited for. Default as in the engine. */
  readonly finalReplyTimeoutMs?: number
  /** Takes the mail, and gives it to the sink; has the mailbox, too. Default: the embedded server, and the sink takes it by itself. */
  readonly relay?: { readonly server: TargetServer; readonly sink: FaultySmtpSink }
}

/** A device whose mail goes to a faulty sink by way of a proxy, and whose mailbox has no fault. */
export interface FaultySender extends AsyncDisposable {
  readonly device: Device
  readonly sink: FaultySmtpSink
  /** In front of what takes the mail. */
  readonly proxy: Proxy
  /** The consent to a new mail. `isUploaded`: its draft is on the server before that. */
  consent(options?: {
    readonly fileBytes?: number
    readonly isUploaded?: boolean
    readonly sendAt?: number
  }): Promise<SendId>
  /** When nothing runs and nothing is due. */
  rest(id: SendId): Promise<SendRecord>
  /** So much later, by the clock of the engine, which stands still by itself: nothing is tried again before it is looked at. */
  pass(ms: number): void
  /** What that clock shows. */
  now(): number
  /** There is no fault any more, time passes, and who waits for a word of the user gets it. What may have gone stays unknown. */
  recover(id: SendId): Promise<SendRecord>
  /** How often each recipient has got the mail; in the order of `recipients`. */
  got(record: SendRecord): readonly number[]
  /** The next mail begins with a connection. */
  hangUp(): Promise<void>
}

function needsMore({ phase, status, recipients: all }: SendRecord): boolean {
  if (status === 'unknown') return false
  return phase !== 'cleaned' || all.some((one) => one.status === 'pending' || one.status === 'temporary')
}

interface Surroundings extends AsyncDisposable {
  readonly server: TargetServer
  readonly sink: FaultySmtpSink
}

async function embedded({ smtp: settings = {}, pipelining = true }: FaultySenderOptions): Promise<Surroundings> {
  const sink = await createFaultySmtpSink({ security: settings.security ?? 'none', pipelining })
  const mailServer = createMailServer({ users: [{ name: 'ann', password: 'secret' }] })
  await mailServer.listen()
  return {
    server: {
      host: '127.0.0.1',
      imapPort: mailServer.imapPort,
      smtpPort: sink.port,
      smtp: settings,
      supports: { catenate: true, uidplus: true, sent: 'Sent' },
      user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
    },
    sink,
    async [Symbol.asyncDispose]() {
      await mailServer.close()
      await sink.close()
    },
  }
}

export async function openFaultySender(options: FaultySenderOptions = {}): Promise<FaultySender> {
  const { timing = {}, finalReplyTimeoutMs, relay } = options
  const own = relay === undefined ? await embedded(options) : null
  const { server, sink } = own ?? (relay as NonNullable<typeof relay>)
  const proxy = await createProxy({ target: { host: server.host, port: server.smtpPort ?? 0 } })
  const startedAt = Date.now()
  let passedMs = 0
  const now = (): number => startedAt + passedMs
  const port = smtp()
  const device = await openDevice(
    { ...server, smtpPort: proxy.port },
    { sentCopyWaitMs: 0, sentCopyLookAgainMs: 1_000, ...timing },
    {
      environment: { now },
      submission: {
        connect: (settings, given) =>
          port.connect(settings, finalReplyTimeoutMs === undefined ? given : { ...given, finalReplyTimeoutMs }),
      },
    },
  )
  const { account } = device
  await device.sync()
  let mails = 0

  const rest: FaultySender['rest'] = async (id) => {
    await device.engine.sync(account.id, { waitMs: 60_000 })
    return await device.engine.sends.get(id)
  }

  return {
    device,
    sink,
    proxy,
    async consent({ fileBytes, isUploaded = false, sendAt } = {}) {
      mails += 1
      const text = `mail ${String(mails).padStart(6, '0')}\n`
      const draft = await device.engine.drafts.create({ accountId: account.id, to: recipients, text })
      if (fileBytes !== undefined) await device.attach(draft.id, incompressible(fileBytes))
      if (isUploaded) await device.sync()
      const { id } = await device.engine.drafts.send(draft.id, sendAt === undefined ? {} : { sendAt })
      return id
    },
    rest,
    pass(ms) {
      passedMs += ms
    },
    now,
    async recover(id) {
      sink.heal()
      let record = await rest(id)
      for (let waits = 0; waits < 5 && needsMore(record); waits += 1) {
        if (record.isHeld || record.status === 'failed') await device.engine.sends.retry(id)
        passedMs += 10 * 60_000
        record = await rest(id)
      }
      return record
    },
    got: ({ messageId }) =>
      recipients.map((address) => {
        const theirs = sink.deliveries.filter((one) => one.messageId === messageId && one.recipient === address)
        return theirs.length
      }),
    // A server that is not ours cannot be told to.
    hangUp: () => (own === null ? device.restart() : sink.hangUp()),
    async [Symbol.asyncDispose]() {
      await device[Symbol.asyncDispose]()
      await proxy.close()
      await own?.[Symbol.asyncDispose]()
    },
  }
}
