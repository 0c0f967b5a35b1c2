import type { Attachment, DraftContent } from '../draft/draft.ts'
import type { AttachmentId, Sha256 } from '../ids.ts'
import type { ParsedAttachment, ParsedMessage } from '../wire/message-format.ts'

/**
 * What a message says, as the content of a draft. What no message carries, and the ids of attachments that were there
 * before, come from `previous`: what the draft said before somebody edited its copy.
 */
export function contentOfMessage(
  parsed: ParsedMessage,
  previous: DraftContent | null,
  createId: () => AttachmentId,
): DraftContent {
  const { from, to, cc, bcc, subject, text, html, inReplyTo, references, unmodelled } = parsed
  const left = [...(previous?.attachments ?? [])]
  const attachments = parsed.attachments.map((attachment): Attachment => {
    const index = left.findIndex((one) => one.sha256 === attachment.sha256 && one.filename === attachment.filename)
    const [known] = index === -1 ? [] : left.splice(index, 1)
    return {
      id: known?.id ?? createId(),
      filename: attachment.filename,
      contentType: attachment.contentType,
      size: attachment.size,
      sha256: attachment.sha256,
      disposition: attachment.disposition,
      contentId: attachment.contentId,
    }
  })
  return {
    from,
    to,
    cc,
    bcc,
    subject,
    text,
    html,
    inReplyTo,
    references,
    attachments,
    metadata: previous?.metadata ?? {},
    tags: previous?.tags ?? [],
    ...(unmodelled === null ? {} : { unmodelled }),
  }
}

/** Where the parts lie in the message, of those that a message of ours would hold in the same encoding. */
export function quotableParts(
  parsed: ParsedMessage,
): readonly { readonly sha256: Sha256; readonly section: string; readonly encodedSize: number }[] {
  return [
    ...parsed.attachments
      .filter(isEncodedAsOurs)
      .map(({ sha256, section, encodedSize }) => ({ sha256, section, encodedSize })),
    ...(parsed.unmodelled?.parts ?? []).map(({ sha256, section, size }) => ({ sha256, section, encodedSize: size })),
  ]
}

/** We write base64; only messages must not be encoded (RFC 2046 §5.2.1), and whether one is then as ours is not known. */
function isEncodedAsOurs({ contentType, encoding }: ParsedAttachment): boolean {
  return encoding === 'base64' && !contentType.startsWith('message/')
}
