import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type Account,
  createEngine,
  type DraftManagerAnswer,
  type DraftManagerFailure,
  type DraftManagerOptions,
  type DraftManagerRequest,
  type DraftManagerSuccess,
  type DraftStateInput,
  type Engine,
  type Storage,
  type TenantId,
  type Umid,
  type UserId,
} from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { onTestFinished } from 'vitest'

/** Without what every request has. */
type Asked = Omit<DraftManagerRequest, 'accountId'> & { readonly accountId?: string }

export interface OfflineManager {
  readonly engine: Engine
  readonly account: Account
  /** Stands still but for `stepMs`, by which each look at it moves it. */
  readonly clock: { nowMs: number; stepMs: number }
  readonly ask: (asked: Asked, options?: DraftManagerOptions) => Promise<DraftManagerAnswer>
  /** One that must succeed. */
  readonly done: (asked: Asked, options?: DraftManagerOptions) => Promise<DraftManagerSuccess['output']>
  /** One that must fail. */
  readonly failed: (asked: Asked, options?: DraftManagerOptions) => Promise<DraftManagerFailure>
  readonly addAccount: (tenant: string, user: string) => Promise<Account>
}

/** A draft that the laptop has made. */
export async function written(
  { done }: OfflineManager,
  draft: DraftStateInput = { subject: 'One', body: 'a\n' },
): Promise<string> {
  const draftId = randomUUID()
  await done({ action: 'auto-save', draftId, deviceId: 'laptop', draft })
  return draftId
}

export function umid(text: string | undefined): Umid {
  return text as Umid
}

/** A real engine on a real file, whose mail server nobody is: what the draft manager does needs none. */
export async function openOfflineManager(storageAt: (file: string) => Storage = sqlite): Promise<OfflineManager> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-draft-manager-'))
  const clock = { nowMs: Date.UTC(2026, 0, 5, 9), stepMs: 0 }
  const engine = await createEngine({
    storage: storageAt(join(folder, 'everdraft.db')),
    mailbox: imap(),
    submission: smtp(),
    environment: { now: () => (clock.nowMs += clock.stepMs) },
    connectivity: { isOnline: () => false, subscribe: () => () => {} },
    watch: false,
  })
  onTestFinished(async () => {
    await engine.close()
    await rm(folder, { recursive: true })
  })
  const server = { host: '127.0.0.1', port: 1, security: 'none', user: 'ann', password: 'secret' } as const
  const addAccount = (tenant: string, user: string): Promise<Account> =>
    engine.accounts.add({
      address: `${user}@example.org`,
      imap: server,
      smtp: server,
      owner: { tenantId: tenant as TenantId, userId: user as UserId },
    })
  const account = await addAccount('acme', 'ann')
  const ask = (asked: Asked, options?: DraftManagerOptions): Promise<DraftManagerAnswer> =>
    engine.draftManager({ accountId: account.id, ...asked }, options)
  return {
    engine,
    account,
    clock,
    ask,
    addAccount,
    done: async (asked, options) => {
      const answer = await ask(asked, options)
      if (answer.status === 'success') return answer.output
      throw new Error(`${asked.action}: ${answer.errorCode} ${answer.error}`)
    },
    failed: async (asked, options) => {
      const answer = await ask(asked, options)
      if (answer.status === 'error') return answer
      throw new Error(`${asked.action} succeeded: ${JSON.stringify(answer.output)}`)
    },
  }
}
