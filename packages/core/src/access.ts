import type { TenantId, UserId } from './ids.ts'

/** To whom accounts, and all that is in them, belong. */
export interface Owner {
  readonly tenantId: TenantId
  readonly userId: UserId
}

/** Where nobody says otherwise. */
export const defaultOwner: Owner = { tenantId: 'default' as TenantId, userId: 'default' as UserId }

/**
 * What a token lets its bearer do: `read` drafts, sends and accounts; `write` drafts and accounts, and sync; `send`, undo,
 * retry and resolve; `approve` what is to be reviewed; `admin` tokens and webhooks.
 */
export type Scope = (typeof scopes)[number]

export const scopes = ['read', 'write', 'send', 'approve', 'admin'] as const
