import { sql } from 'kysely'

import type { DraftStatus } from '../draft/draft.ts'
import type { Copies } from '../draft/draft-state.ts'
import type { SendStatus } from '../draft/send-state.ts'
import type { Db } from './db.ts'

/** How much of everything there is, over all accounts. */
export interface Figures {
  readonly accounts: number
  readonly drafts: readonly {
    readonly status: DraftStatus
    readonly syncState: Copies['kind']
    readonly count: number
  }[]
  readonly tasks: readonly { readonly kind: string; readonly state: string; readonly count: number }[]
  /** Since when the task has been due that has waited longest; null: none waits. */
  readonly oldestDueTaskAt: number | null
  /** Those with something left to be done. */
  readonly openSends: readonly { readonly status: SendStatus; readonly count: number }[]
  /** Since when the mail has been due that has waited longest to be taken by its server; null: none waits. */
  readonly oldestUnsentAt: number | null
  /** Of the copies that were stored: their messages' size, and what that took on the wire, client to server. */
  readonly uploads: { readonly count: number; readonly messageBytes: number; readonly wireBytes: number }
}

export async function figures(db: Db, now: number): Promise<Figures> {
  const { accounts } = await db
    .selectFrom('account')
    .select((count) => count.fn.countAll<number | string>().as('accounts'))
    .executeTakeFirstOrThrow()
  const drafts = await db
    .selectFrom('draft_count')
    .select(['status', 'sync_state', (count) => count.fn.sum<number | string>('drafts').as('count')])
    .groupBy(['status', 'sync_state'])
    .execute()
  const tasks = await db
    .selectFrom('task')
    .select(['kind', 'state', (count) => count.fn.countAll<number | string>().as('count')])
    .groupBy(['kind', 'state'])
    .execute()
  const due = await db
    .selectFrom('task')
    .select((oldest) => oldest.fn.min<number | string | null>('run_at').as('at'))
    .where('state', '=', 'waiting')
    .where('run_at', '<=', now)
    .executeTakeFirst()
  const sends = await db
    .selectFrom('send')
    .select(['status', (count) => count.fn.countAll<number | string>().as('count')])
    .where('ended_at', 'is', null)
    .groupBy('status')
    .execute()
  const unsent = await db
    .selectFrom('send')
    .select((oldest) => oldest.fn.min<number | string | null>('due_at').as('at'))
    .where('ended_at', 'is', null)
    .where('status', 'in', ['queued', 'sending'])
    .where('due_at', '<=', now)
    .executeTakeFirst()
  const uploads = await db
    .selectFrom('attempt')
    .select([
      (count) => count.fn.countAll<number | string>().as('count'),
      sql<number | string | null>`sum(size)`.as('size'),
      sql<number | string | null>`sum(bytes_sent)`.as('sent'),
    ])
    .where('state', '=', 'stored')
    .where('method', '<>', 'import')
    .executeTakeFirstOrThrow()
  return {
    accounts: Number(accounts),
    drafts: drafts.map(({ status, sync_state: syncState, count }) => ({
      status: status as DraftStatus,
      syncState: syncState as Copies['kind'],
      count: Number(count),
    })),
    tasks: tasks.map(({ kind, state, count }) => ({ kind, state, count: Number(count) })),
    oldestDueTaskAt: numberOrNull(due?.at),
    openSends: sends.map(({ status, count }) => ({ status: status as SendStatus, count: Number(count) })),
    oldestUnsentAt: numberOrNull(unsent?.at),
    uploads: {
      count: Number(uploads.count),
      messageBytes: Number(uploads.size ?? 0),
      wireBytes: Number(uploads.sent ?? 0),
    },
  }
}

function numberOrNull(value: number | string | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}
