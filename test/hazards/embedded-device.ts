import type { EngineOptions, EngineTiming } from '@everdraft/core'
import { createMailServer, type MailServer, type MailServerOptions } from '@everdraft/mailserver'

import { type Device, openDevice } from '../live/harness.ts'

/** A device beside its own embedded mail server, whose faults and mailbox the test holds in its hands. */
export interface EmbeddedDevice extends AsyncDisposable {
  readonly device: Device
  readonly mailServer: MailServer
  /** The server comes back empty, with the UIDVALIDITYs of before and UIDs from 1, as some do. */
  comeBackEmpty(): Promise<void>
  /** Uploads without a round over the folder before it: what is promised must not hang on that. */
  upload(): Promise<void>
  /** The texts of the messages in Drafts that are not marked \Deleted. */
  texts(): readonly string[]
}

export async function openEmbedded(
  {
    quotaBytes,
    ...options
  }: Omit<MailServerOptions, 'users'> & Pick<MailServerOptions['users'][number], 'quotaBytes'> = {},
  engine: Partial<EngineOptions> = {},
  timing: Partial<EngineTiming> = {},
): Promise<EmbeddedDevice> {
  const users = [{ name: 'ann', password: 'secret', ...(quotaBytes === undefined ? {} : { quotaBytes }) }]
  // Fixed proposals: another server made with them gives the same UIDVALIDITYs.
  const settings: MailServerOptions = { users, proposeUidValidity: () => 7, ...options }
  let mailServer = createMailServer(settings)
  await mailServer.listen()
  const target = {
    host: '127.0.0.1',
    imapPort: mailServer.imapPort,
    smtpPort: mailServer.smtpPort,
    supports: { catenate: true, uidplus: true, sent: 'Sent' },
    user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
  }
  const device = await openDevice(target, timing, engine)
  // The round that every new account begins with.
  await device.sync()
  return {
    device,
    get mailServer() {
      return mailServer
    },
    async comeBackEmpty() {
      const { imapPort } = mailServer
      await mailServer.close()
      mailServer = createMailServer(settings)
      await mailServer.listen({ imapPort })
    },
    async upload() {
      const { items } = await device.engine.tasks.list(device.account.id)
      for (const task of items.filter((one) => one.kind === 'draft_upload')) {
        await device.engine.tasks.retry(device.account.id, task.id)
      }
      await atRest(device)
    },
    texts: () =>
      mailServer
        .mailbox('ann', 'Drafts')
        .filter((message) => ![...message.flags].some((flag) => flag.toLowerCase() === '\\deleted'))
        .map((message) => new TextDecoder().decode(message.bytes)),
    async [Symbol.asyncDispose]() {
      await device[Symbol.asyncDispose]()
      await mailServer.close()
    },
  }
}

/** Until no task runs or is due. */
async function atRest(device: Device): Promise<void> {
  for (;;) {
    const { items } = await device.engine.tasks.list(device.account.id)
    const now = Date.now()
    if (!items.some((task) => task.state === 'running' || (task.state === 'waiting' && (task.nextRunAt ?? 0) <= now)))
      return
    await new Promise<void>((resolve) => {
      const off = device.engine.subscribe({ accountId: device.account.id }, () => {
        off()
        resolve()
      })
      // A run that changes nothing says nothing: look again at the next turn.
      setTimeout(resolve, 5)
    })
  }
}
