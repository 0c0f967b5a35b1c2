import type { Dice } from '../sim/world/dice.ts'
import type { Composition } from './foreign-client.ts'
import { freshWords, type Language, sentences } from './phrases.ts'

/** What a person does with a draft, or in place of it. */
export const acts = [
  'none',
  'little',
  'rewritten',
  'appended',
  'quote-removed',
  'subject-changed',
  'recipients-added',
  'attachment-added',
  'hand-written',
  'unseen',
  'discarded',
  'left',
] as const

export type Act = (typeof acts)[number]

/** Those after which the draft itself went. */
export type Edit = Exclude<Act, 'hand-written' | 'discarded' | 'left'>

export function isEdit(act: Act): act is Edit {
  return act !== 'hand-written' && act !== 'discarded' && act !== 'left'
}

export interface EditContext {
  readonly language: Language
  readonly topic: string
  readonly dice: Dice
}

/** The draft as the person leaves it. */
export function edited(draft: Composition, edit: Edit, context: EditContext): Composition {
  const { dice } = context
  const { own } = draft
  switch (edit) {
    case 'none':
      return draft
    // It is edited a little, too; what is different is what we see of it.
    case 'unseen':
    case 'little':
      return { ...draft, own: changedALittle(own, dice) }
    case 'rewritten':
      return { ...draft, own: rewritten(own, context) }
    case 'appended':
      return { ...draft, own: `${own}\n\n${freshWords(dice.between(4, 25), dice)}.` }
    case 'quote-removed':
      return { ...draft, quote: '' }
    case 'subject-changed':
      return { ...draft, subject: dice.chance(0.5) ? `${draft.subject} (${freshWords(2, dice)})` : freshWords(4, dice) }
    case 'recipients-added':
      return { ...draft, cc: [...draft.cc, { name: 'Carol Example', address: `carol${dice.below(90)}@example.com` }] }
    case 'attachment-added': {
      const file = { filename: 'plan.pdf', contentType: 'application/pdf', bytes: dice.bytes(200) }
      return { ...draft, files: [...draft.files, file] }
    }
  }
}

/** A word or two in one of the lines, or one sentence fewer. */
function changedALittle(own: string, dice: Dice): string {
  const lines = own.split('\n')
  const body = lines.flatMap((line, index) => (line.length > 12 ? [index] : []))
  const at = body.length === 0 ? 0 : dice.pick(body)
  const line = lines[at] ?? ''
  if (dice.chance(0.3) && body.length > 2) return lines.filter((_, index) => index !== at).join('\n')
  const words = line.split(' ')
  const where = dice.below(words.length)
  const change = dice.chance(0.5) ? [words[where] ?? '', freshWords(1, dice)] : [freshWords(dice.between(1, 2), dice)]
  lines[at] = [...words.slice(0, where), ...change, ...words.slice(where + 1)].join(' ')
  return lines.join('\n')
}

/** Greeting and closing stay, and now and then a sentence. */
function rewritten(own: string, { language, topic, dice }: EditContext): string {
  const lines = own.split('\n').filter((line) => line !== '')
  const kept = dice.chance(0.5) ? [dice.pick(lines)] : []
  const said = [...kept, freshWords(dice.between(6, 14), dice), ...sentences(language, 1, topic, dice)]
  return [lines[0] ?? '', '', ...said, '', lines.at(-1) ?? ''].join('\n')
}

/** An answer of the person's own, that owes the draft nothing. */
export function handWritten(draft: Composition, { language, topic, dice }: EditContext): Composition {
  const [greeting = ''] = draft.own.split('\n')
  const said = [freshWords(dice.between(5, 20), dice), ...(dice.chance(0.3) ? sentences(language, 1, topic, dice) : [])]
  return { ...draft, own: [greeting, '', ...said].join('\n'), files: [] }
}
