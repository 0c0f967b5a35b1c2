import type { Umid } from '../ids.ts'

/**
 * `X-Everdraft-Answers` of a draft that a responder's answer became: the mail that it answers, hashed, and whether a person has written
 * in it. By it devices with a store each know of one another's drafts.
 */
export interface AnsweredMail {
  readonly identity: string
  readonly isEdited: boolean
}

export const answersField = 'X-Everdraft-Answers'

const edited = '; edited'

export function answersValue({ identity, isEdited }: AnsweredMail): string {
  return isEdited ? `${identity}${edited}` : identity
}

/** Null: it is none of ours. */
export function readAnswersValue(value: string): AnsweredMail | null {
  const [, identity = '', note] = /^([0-9a-f]{64})(; edited)?$/.exec(value.trim()) ?? []
  return identity === '' ? null : { identity, isEdited: note === edited }
}

interface Rival {
  readonly draftId: Umid
  readonly isEdited: boolean
}

/**
 * Of the drafts that devices made of one mail, which takes the place of this one; null: it stays. Each device asks this of its own draft
 * alone. One in which a person has written never goes; of those that nobody has touched the first by its id stays, so that all devices
 * say the same, whatever each of them has seen first.
 */
export function givesWayTo(own: Rival, rivals: readonly Rival[]): Umid | null {
  if (own.isEdited) return null
  const stronger = rivals.filter(({ draftId, isEdited }) => isEdited || draftId < own.draftId)
  const first = stronger.find(({ isEdited }) => isEdited) ?? stronger[0]
  return first?.draftId ?? null
}
