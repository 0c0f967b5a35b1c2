import { listOutcomes, outcomeOfDraft } from '../storage/email-outcomes.ts'
import type { Outcomes } from './api.ts'
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
  }
}
