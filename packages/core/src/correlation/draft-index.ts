import type { MessageId } from '../ids.ts'
import { tokenOf } from '../sync/message-ids.ts'
import type { DraftTrace } from './evidence.ts'
import { idsOf, type ReadMail, type TracedDraft, traced } from './pairing.ts'
import type { Reading } from './reading.ts'

/**
 * Finds the drafts that a sent mail may have been made of without looking at all of them: by what names them, by what they
 * answer, by people and subject, and by runs of words that few of them have.
 */
export interface DraftIndex {
  readonly drafts: readonly TracedDraft[]
  candidates(sent: ReadMail): readonly TracedDraft[]
}

/** Runs of words that more drafts have say nothing: they are a template's. */
const commonAbove = 200
const rarestLookedUp = 24
/** Where more drafts answer one mail, or more go to the same person with the same subject, their words decide. */
const mostOfOneKind = 400

export function createDraftIndex(traces: readonly DraftTrace[]): DraftIndex {
  const drafts = traces.map(traced)
  const named = new Postings<string>()
  const byParent = new Postings<MessageId>()
  const byPeople = new Postings<string>()
  const byShingle = new Postings<number>()
  for (const [at, { trace, readings }] of drafts.entries()) {
    const { sentMark, serverIds, token, draftId } = trace
    const names = [...idsOf(trace), ...serverIds, token, draftId, ...(sentMark === null ? [] : [sentMark])]
    for (const name of new Set<string>(names)) named.add(name, at)
    const parents = new Set(readings.map(({ parent }) => parent).filter((one) => one !== null))
    for (const parent of parents) byParent.add(parent, at)
    for (const key of new Set(readings.flatMap(peopleKeys))) byPeople.add(key, at)
    // The last is what was sent, if it was seen; the first is what most of it comes from.
    const shingles = new Set([...readings[0].shingles, ...(readings.at(-1)?.shingles ?? [])])
    for (const shingle of shingles) byShingle.add(shingle, at)
  }

  return {
    drafts,
    candidates(sent) {
      const found = new Set<number>()
      const take = (list: readonly number[], most: number): void => {
        if (list.length <= most) for (const at of list) found.add(at)
      }
      for (const name of namesIn(sent)) take(named.get(name), mostOfOneKind)
      const { reading } = sent
      if (reading.parent !== null) take(byParent.get(reading.parent), mostOfOneKind)
      for (const ancestor of reading.ancestors) take(byParent.get(ancestor), mostOfOneKind)
      for (const key of peopleKeys(reading)) take(byPeople.get(key), mostOfOneKind)
      const rare = [...reading.shingles]
        .map((shingle) => byShingle.get(shingle))
        .filter((list) => list.length > 0 && list.length <= commonAbove)
        .toSorted((a, b) => a.length - b.length)
      for (const list of rare.slice(0, rarestLookedUp)) take(list, commonAbove)
      return [...found].toSorted((a, b) => a - b).map((at) => drafts[at] as TracedDraft)
    },
  }
}

function namesIn({ mail }: ReadMail): readonly string[] {
  const { messageId, originalIds, serverIds, everdraftId } = mail
  const ids = [...(messageId === null ? [] : [messageId]), ...originalIds]
  const within = ids.flatMap((id) => [id, tokenOf(id), /^<([0-9a-f]{32})\./.exec(id)?.[1] ?? null])
  return [...within, ...serverIds, everdraftId].filter((name) => name !== null)
}

function peopleKeys({ recipients, subject }: Reading): readonly string[] {
  return [...recipients].map((address) => `${address}\n${subject}`)
}

class Postings<Key> {
  readonly #lists = new Map<Key, number[]>()

  add(key: Key, at: number): void {
    const list = this.#lists.get(key)
    if (list === undefined) this.#lists.set(key, [at])
    else list.push(at)
  }

  get(key: Key): readonly number[] {
    return this.#lists.get(key) ?? []
  }
}
