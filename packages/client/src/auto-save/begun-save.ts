import { createIdempotencyKey } from '../idempotency.ts'
import { type EditorContent, isSameContent } from './content.ts'
import type { Acknowledged, BegunSave, SentSave } from './shadow.ts'

/** More names of unanswered saves the daemon does not take. */
const mostUnanswered = 100

export interface Written {
  /** What the words were written upon. */
  readonly base: Acknowledged
  readonly content: EditorContent
}

/** Something is written that the daemon does not have. */
export function beginSave(where: Pick<BegunSave, 'draftId' | 'device' | 'tab'>, { base, content }: Written): BegunSave {
  return {
    ...where,
    saveId: createIdempotencyKey(),
    changedAt: Date.now(),
    leftAt: null,
    base,
    content,
    sent: null,
  }
}

/** What was sent and not answered goes again as it was; other words go in a save of their own, which names it. */
export function nextSend({ saveId, sent: lost }: BegunSave, { base, content }: Written): SentSave {
  if (lost === null) return { saveId, base, content, unanswered: [] }
  if (lost.base.version === base.version && isSameContent(lost.content, content)) return lost
  const unanswered = [...lost.unanswered, lost.saveId].slice(-mostUnanswered)
  return { saveId: createIdempotencyKey(), base, content, unanswered }
}
