import { checkHeaderText } from '../draft/address.ts'
import { applyChanges } from '../draft/content.ts'
import { emptyContent } from '../draft/draft.ts'
import { validationError } from '../errors.ts'
import { type TemplateId, uuidv7 } from '../ids.ts'
import { getAccount } from '../storage/accounts.ts'
import { deleteTemplate, getTemplate, insertTemplate, listTemplates } from '../storage/templates.ts'
import type { Templates } from './api.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'

export function createTemplates({ store, environment }: EngineParts): Templates {
  return {
    async add(accountId, { name, ...fields }) {
      const trimmed = checkHeaderText(name, 'name').trim()
      if (trimmed === '') throw validationError('name', 'must not be empty')
      const now = environment.now()
      const template = {
        id: uuidv7(now, environment.random) as TemplateId,
        accountId,
        name: trimmed,
        content: applyChanges(emptyContent, fields),
        createdAt: now,
        updatedAt: now,
      }
      await store.write(async ({ db }) => {
        await getAccount(db, accountId)
        await insertTemplate(db, template)
      })
      return template
    },
    get: (accountId, id) => store.read((db) => getTemplate(db, accountId, id)),
    async list(accountId, page = {}) {
      const checked = checkPage(page)
      return { ...(await store.read((db) => listTemplates(db, accountId, checked))), ...checked }
    },
    remove: (accountId, id) => store.write(({ db }) => deleteTemplate(db, accountId, id)),
  }
}
