import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type Engine } from '@everdraft/core'
import { createDaemon } from '@everdraft/daemon'
import { imap, smtp } from '@everdraft/mail'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { onTestFinished } from 'vitest'

import { withTables } from '../../sqlite/test/with-tables.ts'
import { createClient, type Client } from '../src/index.ts'

export const token = 'the-token-of-this-test'
const mailUser = { name: 'ann@example.org', password: 'correct horse' }

export interface Running {
  readonly url: string
  readonly client: Client
  readonly engine: Engine
  readonly mailServer: MailServer
  readonly accountId: string
  readonly addDraft: (subject: string) => Promise<string>
  /** The same engine behind a new daemon, at the same address. */
  readonly restart: () => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * A daemon over real HTTP with an account on a mail server of its own. All of it goes when the test ends, or when what
 * `atEnd` was given is called.
 */
export async function start(atEnd: (end: () => Promise<void>) => void = onTestFinished): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-client-test-'))
  const mailServer = createMailServer({ users: [mailUser] })
  await mailServer.listen()
  const engine = await createEngine({
    storage: withTables(join(folder, 'everdraft.db')),
    mailbox: imap(),
    submission: smtp(),
  })
  let daemon = await createDaemon({ engine, token, version: '1.2.3' })
  const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
  atEnd(async () => {
    await daemon.close()
    await engine.close()
    await mailServer.close()
    await rm(folder, { recursive: true })
  })
  const client = createClient({ url, token })
  const login = { host: '127.0.0.1', security: 'none', user: mailUser.name, password: mailUser.password } as const
  const { data: account } = await client.POST('/accounts', {
    body: {
      address: mailUser.name,
      imap: { ...login, port: mailServer.imapPort },
      smtp: { ...login, port: mailServer.smtpPort },
    },
  })
  return {
    url,
    client,
    engine,
    mailServer,
    accountId: account.id,
    addDraft: async (subject) => {
      const created = await client.POST('/accounts/{id}/drafts', {
        params: { path: { id: account.id } },
        body: { subject },
      })
      return created.data.id
    },
    restart: async () => {
      daemon = await createDaemon({ engine, token, version: '1.2.3' })
      await daemon.listen({ host: '127.0.0.1', port: Number(new URL(url).port) })
    },
    close: () => daemon.close(),
  }
}
