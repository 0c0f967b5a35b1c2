import type { Author, Engine, Revision, Umid } from '@everdraft/core'

import { fieldToJson } from '../draft-content.ts'

export interface Mismatch {
  readonly detail: string
  readonly current_version: number
  /** Oldest first. */
  readonly edits: readonly {
    readonly version: number
    readonly by: Author
    readonly fields_changed: readonly string[]
  }[]
}

const authors: Readonly<Record<Author, string>> = {
  user: 'a person',
  program: 'a program',
  // Mail programs are what people write in.
  foreign: 'a person in another mail program',
}

/** Who has edited the draft since the version that a model has read: what they wrote is not to be written over. */
export async function mismatchOf(engine: Engine, id: Umid, expected: number): Promise<Mismatch> {
  const { version } = await engine.drafts.get(id)
  const since = (await engine.drafts.history(id))
    .filter((revision) => revision.version > expected)
    .toSorted((a, b) => a.version - b.version)
  return {
    detail: `the draft is at version ${version} now, not ${expected}: ${inWords(since)}`,
    current_version: version,
    edits: since.map(({ version: edited, by, fieldsChanged }) => ({
      version: edited,
      by,
      fields_changed: fieldsChanged.map(fieldToJson),
    })),
  }
}

function inWords(since: readonly Revision[]): string {
  if (since.length === 0) return 'nobody has written that version. Read it with get_draft.'
  const byAuthor = Map.groupBy(since, ({ by }) => by)
  const edits = [...byAuthor].map(
    ([by, revisions]) => `${authors[by]} edited it (version ${revisions.map(({ version }) => version).join(', ')})`,
  )
  return `${edits.join(', ')}. Read it again with get_draft, and keep what they wrote.`
}
