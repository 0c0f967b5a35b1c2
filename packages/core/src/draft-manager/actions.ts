import type { Scope } from '../access.ts'

/** One row for each action, from which the dispatch, the route, docs/draft-manager.md and the tests are made. */
export interface ActionRow {
  /** Of the token that asks for it. */
  readonly scope: Extract<Scope, 'read' | 'write'>
  /** `required`: of a draft that there is; `ignored`: it is about the account. */
  readonly draftId: 'required' | 'optional' | 'ignored'
  /** What comes in `output`, beside `actionPerformed`, `conflictDetected` and `stats`. */
  readonly answers: readonly string[]
  readonly does: string
}

export type DraftManagerAction = 'auto-save' | 'recover' | 'delete' | 'export' | 'import' | 'list' | 'get'

export const draftManagerActions: Readonly<Record<DraftManagerAction, ActionRow>> = {
  'auto-save': {
    scope: 'write',
    draftId: 'optional',
    answers: ['draft', 'saveMetadata', 'conflict'],
    does: 'Saves the fields given; an unknown `draftId` begins a draft. With `beginSave` it only says that a save begins.',
  },
  recover: {
    scope: 'write',
    draftId: 'optional',
    answers: ['draft', 'recovery', 'conflict'],
    does: 'Finds the best of what is stored, what the client still has, and what was begun and not finished.',
  },
  delete: {
    scope: 'write',
    draftId: 'required',
    answers: ['draft'],
    does: 'Puts the draft into the trash, for 30 days.',
  },
  export: {
    scope: 'read',
    draftId: 'optional',
    answers: ['bundle'],
    does: 'Answers drafts as a bundle.',
  },
  import: {
    scope: 'write',
    draftId: 'ignored',
    answers: ['imported', 'drafts', 'total', 'conflict'],
    does: 'Takes the drafts of a bundle in, all or none.',
  },
  list: {
    scope: 'read',
    draftId: 'ignored',
    answers: ['drafts', 'total'],
    does: 'The live drafts of the account, newest change first, without their `body` and `bodyHtml`.',
  },
  get: {
    scope: 'read',
    draftId: 'required',
    answers: ['draft', 'changed'],
    does: 'One draft; with its `syncToken`, only if it has changed since.',
  },
}
