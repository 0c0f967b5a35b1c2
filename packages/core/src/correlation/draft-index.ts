import type { Umid } from '../ids.ts'
import { tokenOf } from '../sync/message-ids.ts'
import type { DraftTrace } from './evidence.ts'
import { idsOf, type ReadMail, type TracedDraft, traced } from './pairing.ts'
import type { Reading } from './reading.ts'

/**
 * Finds the drafts that a sent mail may have been made of without looking at all of them: by what names them, by what they
 * answer, and by the people they go to. Where too many have that in common, runs of words that few of them have decide.
 */
export interface DraftIndex {
  /** New, or otherwise than it was. @returns all by which it may be found, also as it was before */
  put(trace: DraftTrace): ReadonlySet<string>
  /** @returns by what it was found */
  remove(draftId: Umid): ReadonlySet<string>
  get(draftId: Umid): TracedDraft | undefined
  /** In the order in which they first came. */
  inOrder(ids: Iterable<Umid>): readonly TracedDraft[]
  candidates(sent: ReadMail): readonly TracedDraft[]
  /** All that are found by one of these, however many. */
  foundBy(keys: readonly string[]): readonly TracedDraft[]
}

/** So many drafts are read for what they have in common with a mail. */
const mostRead = 100
/** Runs of words that more drafts have say nothing: they are a template's. */
const commonAbove = 100
const rarestLookedUp = 24

interface Entry {
  readonly at: number
  readonly draft: TracedDraft
  readonly keys: ReadonlySet<string>
}

export function createDraftIndex(): DraftIndex {
  const entries = new Map<Umid, Entry>()
  const drafts = new Map<number, TracedDraft>()
  const lists = new Map<string, number[]>()
  // What most drafts have in common is asked for seldom.
  const crowds = new Map<string, Crowd>()
  let next = 0

  function likely(key: string, reading: Reading): readonly number[] {
    const list = lists.get(key) ?? []
    if (list.length <= mostRead) return list
    const crowd = crowds.get(key) ?? createCrowd(list.map((at) => [at, drafts.get(at) as TracedDraft]))
    crowds.set(key, crowd)
    return crowd.mostLike(reading)
  }

  function takeOut(draftId: Umid): Entry | undefined {
    const entry = entries.get(draftId)
    if (entry === undefined) return undefined
    const { at, keys } = entry
    entries.delete(draftId)
    drafts.delete(at)
    for (const key of keys) {
      const list = lists.get(key) ?? []
      list.splice(list.indexOf(at), 1)
      if (list.length === 0) lists.delete(key)
      if (list.length <= mostRead) crowds.delete(key)
      else crowds.get(key)?.remove(at)
    }
    return entry
  }

  const ordered = (places: Iterable<number>): readonly TracedDraft[] =>
    [...places].toSorted((a, b) => a - b).map((at) => drafts.get(at) as TracedDraft)

  return {
    put(trace) {
      const before = takeOut(trace.draftId)
      const at = before?.at ?? next
      if (before === undefined) next += 1
      const draft = traced(trace)
      const keys = keysOf(draft)
      entries.set(trace.draftId, { at, draft, keys })
      drafts.set(at, draft)
      for (const key of keys) {
        const list = lists.get(key)
        if (list === undefined) lists.set(key, [at])
        else list.push(at)
        crowds.get(key)?.add(at, draft)
      }
      return before === undefined ? keys : new Set([...before.keys, ...keys])
    },
    remove: (draftId) => takeOut(draftId)?.keys ?? new Set(),
    get: (draftId) => entries.get(draftId)?.draft,
    inOrder: (ids) => ordered([...new Set(ids)].flatMap((id) => entries.get(id)?.at ?? [])),
    candidates: (sent) => ordered(new Set(keysIn(sent).flatMap((key) => likely(key, sent.reading)))),
    foundBy: (keys) => ordered(new Set(keys.flatMap((key) => lists.get(key) ?? []))),
  }
}

const answering = (id: string): string => `answers ${id}`
const about = (address: string, subject: string): string => `to ${address} about ${subject}`

function keysOf({ trace, readings }: TracedDraft): ReadonlySet<string> {
  const { sentMark, serverIds, token, draftId } = trace
  const names = [...idsOf(trace), ...serverIds, token, draftId, ...(sentMark === null ? [] : [sentMark])]
  const others = readings.flatMap(({ parent, recipients, subject }) => [
    ...(parent === null ? [] : [answering(parent)]),
    ...(recipients.size === 0 ? ['to nobody'] : []),
    ...[...recipients].flatMap((address) => [`to ${address}`, about(address, subject)]),
  ])
  return new Set([...names.map((name) => `named ${name}`), ...others])
}

/** By what the drafts are found that it may have been made of, or that it answers in their place. */
export function keysIn({ mail, reading }: ReadMail): readonly string[] {
  const { messageId, originalIds, serverIds, everdraftId } = mail
  const ids = [...(messageId === null ? [] : [messageId]), ...originalIds]
  const within = ids.flatMap((id) => [id, tokenOf(id), /^<([0-9a-f]{32})\./.exec(id)?.[1] ?? null])
  const names = [...within, ...serverIds, everdraftId].filter((name) => name !== null)
  return [
    ...names.map((name) => `named ${name}`),
    ...[...reading.ancestors].map(answering),
    'to nobody',
    ...[...reading.recipients].flatMap((address) => [`to ${address}`, about(address, reading.subject)]),
  ]
}

/** Of `keysIn` those of the drafts whose mail it may answer: what it answers says so, else its subject and its people. */
export function keysOfAnswered({ parent, recipients, subject }: Reading): readonly string[] {
  return parent === null ? [...recipients].map((address) => about(address, subject)) : [answering(parent)]
}

/** Drafts that have in common what usually tells them apart. */
interface Crowd {
  add(at: number, draft: TracedDraft): void
  remove(at: number): void
  mostLike(reading: Reading): readonly number[]
}

function createCrowd(members: Iterable<readonly [at: number, draft: TracedDraft]>): Crowd {
  const lists = new Map<number, number[]>()
  const shinglesAt = new Map<number, ReadonlySet<number>>()
  const crowd: Crowd = {
    add(at, { readings }) {
      // The last is what was sent, if it was seen; the first is what most of it comes from.
      const shingles = new Set([...readings[0].shingles, ...(readings.at(-1)?.shingles ?? [])])
      shinglesAt.set(at, shingles)
      for (const shingle of shingles) {
        const list = lists.get(shingle)
        if (list === undefined) lists.set(shingle, [at])
        else list.push(at)
      }
    },
    remove(at) {
      for (const shingle of shinglesAt.get(at) ?? []) {
        const list = lists.get(shingle) ?? []
        list.splice(list.indexOf(at), 1)
      }
      shinglesAt.delete(at)
    },
    mostLike({ shingles }) {
      const rare = [...shingles]
        .map((shingle) => lists.get(shingle) ?? [])
        .filter((list) => list.length > 0 && list.length <= commonAbove)
        .toSorted((a, b) => a.length - b.length)
      return rare.slice(0, rarestLookedUp).flat()
    },
  }
  for (const [at, draft] of members) crowd.add(at, draft)
  return crowd
}
