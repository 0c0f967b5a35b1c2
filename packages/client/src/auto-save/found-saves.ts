import { isSameContent } from './content.ts'
import type { Recovery } from './editor.ts'
import { carries } from './rebase.ts'
import type { Acknowledged, BegunSave } from './shadow.ts'

/**
 * What becomes of a save that a tab left behind. `settled`: the draft says that already. `resumed`: it was left in an orderly
 * way and nobody has saved since, so that it is only on its way; `offered`: the user is asked.
 */
export type FoundSave =
  | { readonly kind: 'settled' }
  | { readonly kind: 'resumed' }
  | { readonly kind: 'offered'; readonly recovery: Recovery }

/** @param stored What the draft says, as far as it is known; null: it was never saved, or nobody answers. */
export function judgeFoundSave(save: BegunSave, stored: Acknowledged | null): FoundSave {
  const { saveId, content, base, changedAt, device, leftAt } = save
  if (isSameContent(content, stored?.content ?? base.content)) return { kind: 'settled' }
  if (stored !== null && carries({ base: base.content, mine: content, theirs: stored.content }))
    return { kind: 'settled' }
  const diverged = stored !== null && stored.version !== base.version
  if (leftAt !== null && !diverged) return { kind: 'resumed' }
  const recovery = { saveId, content, changedAt, device, stored: stored?.content ?? null, diverged }
  return { kind: 'offered', recovery }
}
