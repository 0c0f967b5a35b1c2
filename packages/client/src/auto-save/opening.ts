import { emptyContent } from './content.ts'
import type { DraftDoor } from './draft-door.ts'
import type { Editor } from './editor.ts'
import { isPassing } from './failures.ts'
import { judgeFoundSave } from './found-saves.ts'
import type { ShadowKeeper } from './shadow-keeper.ts'
import type { Acknowledged, BegunSave } from './shadow.ts'
import type { Tabs } from './tabs.ts'

export interface Opened {
  /** What the draft says; null: there is none yet, or nobody has said so. */
  readonly stored: Acknowledged | null
  /** False: nobody has said yet whether there is such a draft. */
  readonly isKnown: boolean
  /** What kept the daemon from saying it; null: nothing. */
  readonly failure: unknown
  /** What an earlier page could not save, and this one goes on with; null: nothing. */
  readonly resumed: BegunSave | null
}

export const neverSaved: Acknowledged = { version: 0, content: emptyContent, savedAt: 0 }

export interface OpeningOptions {
  readonly door: DraftDoor
  readonly shadow: ShadowKeeper
  readonly tabs: Tabs
  readonly editor: Editor
  readonly draftId: string
  /** Shows what is stored, before anything is offered. */
  readonly show: (stored: Acknowledged) => void
}

/** What was there before: on the daemon, and in this browser. @throws {ProblemError} the draft is not the caller's */
export async function openDraft(options: OpeningOptions): Promise<Opened> {
  const { shadow, tabs, editor, door, draftId } = options
  const { stored, ...known } = await loadStored(options)
  if (stored !== null) options.show(stored)
  for (const found of await shadow.read(async (kept) => await kept.begun(draftId))) {
    if (!(await tabs.isGone(found.tab))) continue
    const judged = judgeFoundSave(found, stored)
    const choice = judged.kind === 'offered' ? await editor.offerRecovery(judged.recovery) : judged.kind
    if (choice === 'later') continue
    if (choice === 'restore' || choice === 'resumed') {
      return { ...known, stored, resumed: { ...found, tab: tabs.id, leftAt: null } }
    }
    await shadow.write(async (kept) => await kept.drop(found))
    // Else the daemon would speak of a crash for a month.
    if (choice === 'discard' && known.failure === null) await door.giveUp().catch(() => {})
  }
  return { ...known, stored, resumed: null }
}

/** From the daemon; where nobody answers, what this browser knows. */
async function loadStored({ door, shadow, draftId }: OpeningOptions): Promise<Omit<Opened, 'resumed'>> {
  try {
    return { stored: await door.load(), isKnown: true, failure: null }
  } catch (error) {
    if (!isPassing(error)) throw error
    const [stored = null] = await shadow.read(async (kept) => await kept.acknowledged(draftId))
    return { stored, isKnown: stored !== null, failure: error }
  }
}
