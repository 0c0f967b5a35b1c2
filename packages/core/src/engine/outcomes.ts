import { validationError } from '../errors.ts'
import { listOutcomes, outcomeOfDraft } from '../storage/email-outcomes.ts'
import {
  countByScenario,
  countByUser,
  countOutcomes,
  type OutcomeScope,
  outcomeTrends,
  sentOutcomes,
} from '../storage/outcome-figures.ts'
import type { OutcomeFigureFilter, Outcomes } from './api.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'

export function createOutcomes({ store }: EngineParts): Outcomes {
  return {
    ofDraft: (id) => store.read((db) => outcomeOfDraft(db, id)),
    async list({ accountId, status, ...page }) {
      const checked = checkPage(page)
      const { items, total } = await store.read((db) =>
        listOutcomes(db, { accountId, status: status ?? null, ...checked }),
      )
      return { items, total, ...checked }
    },
    async counts(filter) {
      const scope = scopeOf(filter)
      return await store.read((db) => countOutcomes(db, scope))
    },
    async byScenario(filter) {
      const scope = scopeOf(filter)
      return await store.read((db) => countByScenario(db, scope))
    },
    async byUser(filter) {
      const scope = scopeOf(filter)
      return await store.read((db) => countByUser(db, scope))
    },
    async trends(filter) {
      const scope = scopeOf(filter)
      return await store.read((db) => outcomeTrends(db, scope))
    },
    async sent({ owner, ...page }) {
      const checked = checkPage(page)
      return { ...(await store.read((db) => sentOutcomes(db, owner, checked))), ...checked }
    },
  }
}

function scopeOf({ owner, ofTenant = false, from, to }: OutcomeFigureFilter): OutcomeScope {
  if (from !== undefined && to !== undefined && from > to) throw validationError('from', 'must not be after to')
  return { tenantId: owner.tenantId, userId: ofTenant ? null : owner.userId, from: from ?? null, to: to ?? null }
}
