import { tokenOf } from '../sync/message-ids.ts'
import type { DraftTrace } from './evidence.ts'
import { idsOf, type ReadMail, type TracedDraft, traced } from './pairing.ts'
import type { Reading } from './reading.ts'

/**
 * Finds the drafts that a sent mail may have been made of without looking at all of them: by what names them, by what they
 * answer, and by the people they go to. Where too many have that in common, runs of words that few of them have decide.
 */
export interface DraftIndex {
  readonly drafts: readonly TracedDraft[]
  candidates(sent: ReadMail): readonly TracedDraft[]
}

/** So many drafts are read for what they have in common with a mail. */
const mostRead = 100
/** Runs of words that more drafts have say nothing: they are a template's. */
const commonAbove = 100
const rarestLookedUp = 24

export function createDraftIndex(traces: readonly DraftTrace[]): DraftIndex {
  const drafts = traces.map(traced)
  const lists = new Map<string, number[]>()
  // What most drafts have in common is asked for seldom.
  const crowds = new Map<string, Crowd>()
  for (const [at, draft] of drafts.entries()) {
    for (const key of keysOf(draft)) {
      const list = lists.get(key)
      if (list === undefined) lists.set(key, [at])
      else list.push(at)
    }
  }

  function likely(key: string, reading: Reading): readonly number[] {
    const list = lists.get(key) ?? []
    if (list.length <= mostRead) return list
    const crowd = crowds.get(key) ?? createCrowd(drafts, list)
    crowds.set(key, crowd)
    return crowd.mostLike(reading)
  }

  return {
    drafts,
    candidates(sent) {
      const found = new Set(keysIn(sent).flatMap((key) => likely(key, sent.reading)))
      return [...found].toSorted((a, b) => a - b).map((at) => drafts[at] as TracedDraft)
    },
  }
}

function keysOf({ trace, readings }: TracedDraft): ReadonlySet<string> {
  const { sentMark, serverIds, token, draftId } = trace
  const names = [...idsOf(trace), ...serverIds, token, draftId, ...(sentMark === null ? [] : [sentMark])]
  const others = readings.flatMap(({ parent, recipients, subject }) => [
    ...(parent === null ? [] : [`answers ${parent}`]),
    ...(recipients.size === 0 ? ['to nobody'] : []),
    ...[...recipients].flatMap((address) => [`to ${address}`, `to ${address} about ${subject}`]),
  ])
  return new Set([...names.map((name) => `named ${name}`), ...others])
}

function keysIn({ mail, reading }: ReadMail): readonly string[] {
  const { messageId, originalIds, serverIds, everdraftId } = mail
  const ids = [...(messageId === null ? [] : [messageId]), ...originalIds]
  const within = ids.flatMap((id) => [id, tokenOf(id), /^<([0-9a-f]{32})\./.exec(id)?.[1] ?? null])
  const names = [...within, ...serverIds, everdraftId].filter((name) => name !== null)
  return [
    ...names.map((name) => `named ${name}`),
    ...[...reading.ancestors].map((id) => `answers ${id}`),
    'to nobody',
    ...[...reading.recipients].flatMap((address) => [`to ${address}`, `to ${address} about ${reading.subject}`]),
  ]
}

/** Drafts that have in common what usually tells them apart. */
interface Crowd {
  mostLike(reading: Reading): readonly number[]
}

function createCrowd(drafts: readonly TracedDraft[], members: readonly number[]): Crowd {
  const lists = new Map<number, number[]>()
  for (const at of members) {
    const { readings } = drafts[at] as TracedDraft
    // The last is what was sent, if it was seen; the first is what most of it comes from.
    for (const shingle of new Set([...readings[0].shingles, ...(readings.at(-1)?.shingles ?? [])])) {
      const list = lists.get(shingle)
      if (list === undefined) lists.set(shingle, [at])
      else list.push(at)
    }
  }
  return {
    mostLike({ shingles }) {
      const rare = [...shingles]
        .map((shingle) => lists.get(shingle) ?? [])
        .filter((list) => list.length > 0 && list.length <= commonAbove)
        .toSorted((a, b) => a.length - b.length)
      return rare.slice(0, rarestLookedUp).flat()
    },
  }
}
