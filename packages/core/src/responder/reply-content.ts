import type { Address } from '../draft/address.ts'
import { applyChanges } from '../draft/content.ts'
import { type DraftContent, emptyContent } from '../draft/draft.ts'
import { type OriginalMessage, replyDraft } from '../draft/reply.ts'
import type { ResponderAnswer } from './responder.ts'

/** What is kept of a mail until it is answered: all that a reply is made of, without its attachments. */
export type KeptMail = Omit<OriginalMessage, 'attachments' | 'protection' | 'unmodelled'>

/**
 * The draft that answers a mail: the words of the answer above the quote, with HTML where the answer has it.
 * @throws {EverdraftError} VALIDATION_ERROR
 */
export function replyContent(mail: KeptMail, answer: ResponderAnswer, own: Address): DraftContent {
  const withHtml = answer.html !== undefined
  const html = mail.html === null ? null : withoutAttachedPictures(mail.html)
  const original: OriginalMessage = { ...mail, html, attachments: [], protection: null }
  const { fields } = replyDraft({ original, mode: 'reply', own: [own], withHtml })
  return applyChanges(
    { ...emptyContent, ...fields },
    {
      subject: answer.subject ?? fields.subject,
      // The quote begins with the empty lines that part it from what is written above.
      text: `${answer.text.trimEnd()}${fields.text}`,
      html: answer.html === undefined ? null : `${answer.html.trimEnd()}\n${fields.html ?? ''}`,
      metadata: answer.metadata ?? {},
    },
  )
}

/** Pictures that came with the mail are not in the draft: what is in their place says what each was, and no gap is shown. */
function withoutAttachedPictures(html: string): string {
  return html.replace(/<img\b[^<>]{0,4000}>/gi, (tag) =>
    /\bsrc\s*=\s*["']?\s*cid:/i.test(tag) ? placeholder(tag) : tag,
  )
}

function placeholder(tag: string): string {
  const [, quoted, apostrophed, bare] = /\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(tag) ?? []
  // As it stands in the tag: what is written as an entity there stays one.
  const alt = (quoted ?? apostrophed ?? bare ?? '').trim().slice(0, longestAlt)
  return `[${alt === '' ? 'picture' : alt}]`
}

const longestAlt = 200
