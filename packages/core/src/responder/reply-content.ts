import type { Address } from '../draft/address.ts'
import { applyChanges } from '../draft/content.ts'
import { type Attachment, type DraftContent, emptyContent } from '../draft/draft.ts'
import { type OriginalMessage, replyDraft } from '../draft/reply.ts'
import type { AttachmentId } from '../ids.ts'
import type { KeptPicture } from './kept-pictures.ts'
import type { ResponderAnswer } from './responder.ts'

/** What is kept of a mail until it is answered: all that a reply is made of, without its attachments. */
export interface KeptMail extends Omit<OriginalMessage, 'attachments' | 'protection' | 'unmodelled'> {
  /** Small ones that its HTML shows. Absent: nobody has looked for them. */
  readonly pictures?: readonly KeptPicture[]
}

export interface ReplyContent {
  readonly content: DraftContent
  /** Whose bytes are to be held by the draft: those that the quote shows. */
  readonly pictures: readonly KeptPicture[]
}

/**
 * The draft that answers a mail: the words of the answer above the quote, with HTML where the answer has it.
 * @throws {EverdraftError} VALIDATION_ERROR
 */
export function replyContent(
  mail: KeptMail,
  answer: ResponderAnswer,
  { own, newId }: { readonly own: Address; readonly newId: () => AttachmentId },
): ReplyContent {
  const { pictures: kept = [] } = mail
  const html = mail.html === null ? null : withoutLostPictures(mail.html, kept)
  const attachments = kept.map((picture, at) => ({
    ...picture,
    disposition: 'inline' as const,
    section: `${at}`,
    encoding: 'binary',
  }))
  const original: OriginalMessage = { ...mail, html, attachments, protection: null }
  const withHtml = answer.html !== undefined
  const { fields, attachments: shown } = replyDraft({ original, mode: 'reply', own: [own], withHtml })
  const pictures = shown.flatMap(({ section }) => kept[Number(section)] ?? [])
  const content = applyChanges(
    { ...emptyContent, ...fields, attachments: pictures.map((picture) => attachmentOf(picture, newId())) },
    {
      subject: answer.subject ?? fields.subject,
      // The quote begins with the empty lines that part it from what is written above.
      text: `${answer.text.trimEnd()}${fields.text}`,
      html: answer.html === undefined ? null : `${answer.html.trimEnd()}\n${fields.html ?? ''}`,
      metadata: answer.metadata ?? {},
    },
  )
  return { content, pictures }
}

function attachmentOf({ filename, contentType, size, sha256, contentId }: KeptPicture, id: AttachmentId): Attachment {
  // Pictures in a text often have no name.
  return { id, filename: filename.trim() || 'picture', contentType, size, sha256, disposition: 'inline', contentId }
}

/** Of pictures that came with the mail and are not kept, what is in their place says what each was: no gap is shown. */
function withoutLostPictures(html: string, kept: readonly KeptPicture[]): string {
  const ids = new Set(kept.map(({ contentId }) => contentId))
  return html.replace(/<img\b[^<>]{0,4000}>/gi, (tag) => {
    const [, id] = /\bsrc\s*=\s*["']?\s*cid:([^"'\s<>]*)/i.exec(tag) ?? []
    return id === undefined || ids.has(id) || ids.has(decoded(id)) ? tag : placeholder(tag)
  })
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

function placeholder(tag: string): string {
  const [, quoted, apostrophed, bare] = /\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(tag) ?? []
  // As it stands in the tag: what is written as an entity there stays one.
  const alt = (quoted ?? apostrophed ?? bare ?? '').trim().slice(0, longestAlt)
  return `[${alt === '' ? 'picture' : alt}]`
}

const longestAlt = 200
