import type { DraftChanges } from '../../draft/content.ts'
import type { DraftContent } from '../../draft/draft.ts'
import type { AccountId, TemplateId } from '../../ids.ts'
import type { Page, PageRequest } from './pages.ts'

export interface TemplateInput extends DraftChanges {
  readonly name: string
}

/** What new drafts can begin with; `drafts.create({ templateId })`. */
export interface Template {
  readonly id: TemplateId
  readonly accountId: AccountId
  readonly name: string
  readonly content: DraftContent
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Templates {
  /** @throws {EverdraftError} VALIDATION_ERROR, NOT_FOUND (account) */
  add(accountId: AccountId, input: TemplateInput): Promise<Template>
  /** @throws {EverdraftError} NOT_FOUND */
  get(accountId: AccountId, id: TemplateId): Promise<Template>
  /** By name. */
  list(accountId: AccountId, page?: PageRequest): Promise<Page<Template>>
  /** @throws {EverdraftError} NOT_FOUND */
  remove(accountId: AccountId, id: TemplateId): Promise<void>
}
