import { applyChanges } from '../draft/content.ts'
import { emptyContent } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { ResponderAnswer } from './responder.ts'

export type ReadAnswer =
  | { readonly kind: 'answer'; readonly answer: ResponderAnswer }
  /** It is not to be answered. */
  | { readonly kind: 'none' }
  /** What is wrong with it, without a word of what it says. */
  | { readonly kind: 'nonsense'; readonly message: string }

const longestText = 1024 * 1024
const longestSubject = 998
const longestScenario = 200
const longestMetadata = 64 * 1024

/** What a responder has answered, which may be anything. */
export function readAnswer(given: unknown): ReadAnswer {
  if (given === null || given === undefined) return { kind: 'none' }
  if (typeof given !== 'object' || Array.isArray(given)) return nonsense('the answer must be a JSON object')
  const { text, html, subject, scenario, metadata } = given as Readonly<Record<string, unknown>>
  if (typeof text !== 'string') return nonsense('text: must be a text')
  const isEmpty = text.trim() === '' && (typeof html !== 'string' || html.trim() === '')
  if (isEmpty) return nonsense('text: must not be empty')
  for (const [path, value, longest] of [
    ['text', text, longestText],
    ['html', html, longestText],
    ['subject', subject, longestSubject],
    ['scenario', scenario, longestScenario],
  ] as const) {
    if (value === undefined || value === null) continue
    if (typeof value !== 'string') return nonsense(`${path}: must be a text`)
    if (value.length > longest) return nonsense(`${path}: must have at most ${longest} characters`)
    if (!value.isWellFormed()) return nonsense(`${path}: must be Unicode`)
  }
  if (metadata !== undefined && metadata !== null && (typeof metadata !== 'object' || Array.isArray(metadata))) {
    return nonsense('metadata: must be an object')
  }
  const answer: ResponderAnswer = {
    text,
    ...(typeof html === 'string' && html.trim() !== '' ? { html } : {}),
    ...(typeof subject === 'string' && subject.trim() !== '' ? { subject } : {}),
    ...(typeof scenario === 'string' && scenario !== '' ? { scenario } : {}),
    ...(typeof metadata === 'object' && metadata !== null
      ? { metadata: metadata as Readonly<Record<string, unknown>> }
      : {}),
  }
  const refusal = refusalOf(answer)
  return refusal === null ? { kind: 'answer', answer } : nonsense(refusal)
}

/** What a draft would not take. */
function refusalOf({ text, html, subject = '', metadata = {} }: ResponderAnswer): string | null {
  try {
    const { metadata: kept } = applyChanges(emptyContent, { text, html: html ?? null, subject, metadata })
    const size = JSON.stringify(kept).length
    return size > longestMetadata ? `metadata: must have at most ${longestMetadata} characters as JSON` : null
  } catch (error) {
    if (error instanceof EverdraftError) return error.message
    return 'metadata: must be JSON'
  }
}

function nonsense(message: string): ReadAnswer {
  return { kind: 'nonsense', message }
}
