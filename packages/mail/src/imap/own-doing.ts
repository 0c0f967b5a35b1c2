import type { FolderPath, FolderState, Uid, UidValidity } from '@everdraft/core'

import { textOf, type DataResponse } from './response.ts'
import { readUidSet } from './syntax.ts'

/**
 * Tells what this session does to a folder from what others do. It counts: a copy of ours that got the very UID that was
 * next has none of others before it, and as many messages as that makes are no news (RFC 3501 §2.3.1.1). What does not
 * add up is news, so that at worst a round finds nothing.
 */
export class OwnDoing {
  /** What the folder holds since it was last looked through, as far as we know who did it. Null: nobody has looked. */
  #known: { readonly path: FolderPath; readonly uidValidity: UidValidity; uidNext: Uid; exists: number } | null = null
  /** What the server says that it holds. */
  #shown = 0
  /** What went while a command of ours was removing. */
  #went = 0
  #onNews: (path: FolderPath) => void = () => {}

  /** `onNews`: what was found to be news afterwards. */
  listen(onNews: (path: FolderPath) => void): void {
    this.#onNews = onNews
  }

  /** Everything in the folder is known by now, or it is not there. */
  looked(path: FolderPath, folder: FolderState | null): void {
    if (folder === null || folder.uidNext === null) {
      if (this.#known?.path === path) this.#known = null
      return
    }
    const { uidValidity, uidNext, exists } = folder
    this.#went = 0
    this.#shown = exists
    this.#known = { path, uidValidity, uidNext, exists }
  }

  /** It is selected again: whatever happened until then shows in its state, and is told no more. */
  selected(folder: FolderState): void {
    const known = this.#known
    if (known?.path !== folder.path) return
    const { uidValidity, uidNext, exists } = folder
    this.#shown = exists
    if (uidValidity === known.uidValidity && uidNext === known.uidNext && exists === known.exists) return
    this.#known = null
    this.#onNews(folder.path)
  }

  /** What the server tells of the folder that is selected. True: it is news. False: it is not, or it is not known yet. */
  hear({ keyword, number, attributes }: DataResponse, verb: string, selected: FolderPath): boolean {
    const known = this.#known?.path === selected ? this.#known : null
    switch (keyword) {
      case 'EXISTS':
        if (known === null) return true
        this.#shown = number ?? 0
        // It may be ours: the answer to the command will say so.
        return !/APPEND|REPLACE/.test(verb) && this.#shown !== known.exists
      case 'EXPUNGE':
      case 'VANISHED': {
        const isRemoving = /EXPUNGE|REPLACE/.test(verb)
        if (known === null) return !isRemoving
        const count = keyword === 'EXPUNGE' ? 1 : vanishedCount(attributes)
        this.#shown -= count
        known.exists -= count
        if (isRemoving) this.#went += count
        return !isRemoving
      }
      case 'FETCH':
        return !/FETCH|STORE/.test(verb)
      default:
        return false
    }
  }

  /**
   * A command has ended that stored a message, or removed some from the selected folder. `stored`: as APPENDUID
   * says. `removed`: how many of ours went; null where nobody counted.
   */
  did({ stored, removed = 0 }: { readonly stored?: StoredAs; readonly removed?: number | null }): void {
    const known = this.#known
    const went = this.#went
    this.#went = 0
    if (known === null) return
    const isNext = stored?.uid === known.uidNext && stored.uidValidity === known.uidValidity
    if (stored?.path === known.path && isNext) {
      known.uidNext = (known.uidNext + 1) as Uid
      known.exists += 1
    }
    // A server may tell of ours later: until then there are fewer than there should be.
    if ((removed === null || removed === went) && this.#shown <= known.exists) return
    this.#known = null
    this.#onNews(known.path)
  }
}

export interface StoredAs {
  readonly path: FolderPath
  readonly uidValidity: UidValidity | null
  readonly uid: Uid | null
}

/** It may hold UIDs that never were there: then it does not add up. */
function vanishedCount(attributes: DataResponse['attributes']): number {
  const ranges = readUidSet(textOf(attributes.at(-1)) ?? '')
  return ranges.reduce((count, { first, last }) => count + last - first + 1, 0)
}
