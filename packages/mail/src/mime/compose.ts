import { createHash } from 'node:crypto'

import type { Attachment, ComposedMessage, ComposedSegment, MessageToCompose } from '@everdraft/core'
import { default as MimeNode } from 'nodemailer/lib/mime-node'

import { base64BodySize, encodeBase64Body } from './base64-body.ts'
import { headerFields } from './header-fields.ts'
import { toBodyText, transferEncoding } from './text-body.ts'

/**
 * Builds a message around its attachments: nodemailer renders the tree of parts with a short placeholder for each
 * attachment, and the result is cut at the placeholders.
 *
 * Parts come in this order, which is also the order in which `parse` gives attachments: text, HTML, inline attachments
 * with a Content-ID (beside the HTML), the others. The text part is always there, so that sections do not move.
 */
export async function compose(message: MessageToCompose): Promise<ComposedMessage> {
  const { root, placed } = buildTree(message)
  const rendered = withoutOwnHeader(await root.build())
  const segments: ComposedSegment[] = []
  let from = 0
  let before = Buffer.from(headerFields(message))
  for (const { attachment, node, placeholder } of placed) {
    const at = rendered.indexOf(placeholder, from)
    segments.push({ kind: 'bytes', bytes: Buffer.concat([before, rendered.subarray(from, at)]) })
    segments.push({
      kind: 'attachment',
      sha256: attachment.sha256,
      section: sectionOf(node),
      encodedSize: base64BodySize(attachment.size),
      encode: encodeBase64Body,
    })
    from = at + placeholder.length
    before = Buffer.alloc(0)
  }
  segments.push({ kind: 'bytes', bytes: Buffer.concat([before, rendered.subarray(from)]) })
  return { segments, size: segments.reduce((total, segment) => total + segmentSize(segment), 0) }
}

interface Placed {
  readonly attachment: Attachment
  readonly node: MimeNode
  /** How it shows in the rendered message. */
  readonly placeholder: string
}

/** Distinct from each other and from anything a text can be expected to hold; the same for the same message. */
class Placeholders {
  readonly #messageId: string
  #count = 0

  constructor(messageId: string) {
    this.#messageId = messageId
  }

  /** 36 bytes: one line of base64, without padding. */
  next(): Buffer {
    this.#count += 1
    return Buffer.concat([hashOf(`${this.#count} ${this.#messageId}`), Buffer.from('file')])
  }
}

interface Tree {
  readonly root: MimeNode
  /** In the order of the message. */
  readonly placed: readonly Placed[]
}

function buildTree({ content, messageId, includeBcc }: MessageToCompose): Tree {
  const { attachments, html } = content
  const beside = html === null ? [] : attachments.filter(isInlineOfHtml)
  const others = attachments.filter((attachment) => !beside.includes(attachment))
  const placed: Placed[] = []
  const placeholders = new Placeholders(messageId)
  const options = { baseBoundary: hashOf(messageId).toString('hex').slice(0, 32), newline: '\r\n' }
  const attach = (parent: MimeNode, attachment: Attachment): void => {
    const placeholder = placeholders.next()
    const node = parent.appendChild(attachmentNode(attachment, placeholder, includeBcc))
    placed.push({ attachment, node, placeholder: placeholder.toString('base64') })
  }

  const root = new MimeNode(others.length > 0 ? 'multipart/mixed' : contentType(html), options)
  const text = others.length > 0 ? root.createChild(contentType(html)) : root
  if (html === null) {
    setText(text, content.text)
  } else {
    setText(text.createChild(textPlain), content.text)
    const markup = beside.length > 0 ? text.createChild('multipart/related; type="text/html"') : text
    setText(markup.createChild(textHtml), html)
    for (const attachment of beside) attach(markup, attachment)
  }
  for (const attachment of others) attach(root, attachment)
  return { root, placed }
}

const textPlain = 'text/plain; charset=utf-8'
const textHtml = 'text/html; charset=utf-8'

function contentType(html: string | null): string {
  return html === null ? textPlain : 'multipart/alternative'
}

function isInlineOfHtml({ disposition, contentId }: Attachment): boolean {
  return disposition === 'inline' && contentId !== null
}

function setText(node: MimeNode, text: string): void {
  const body = toBodyText(text)
  node.setHeader('Content-Transfer-Encoding', transferEncoding(body))
  node.setContent(body)
}

function attachmentNode(attachment: Attachment, placeholder: Buffer, isOwnCopy: boolean): MimeNode {
  const { filename, contentId, disposition } = attachment
  const type = attachmentType.test(attachment.contentType) ? attachment.contentType : 'application/octet-stream'
  const node = new MimeNode(type, filename === '' ? {} : { filename })
  // An inline text would be read as a part of the message's own text.
  const isTakenForText = disposition === 'inline' && /^text\/(?:plain|html)$/i.test(type)
  node.setHeader('Content-Disposition', isTakenForText ? 'attachment' : disposition)
  if (isTakenForText && isOwnCopy) node.setHeader(dispositionField, 'inline')
  if (contentId !== null) node.setHeader('Content-ID', `<${contentId}>`)
  node.setHeader('Content-Transfer-Encoding', 'base64')
  return node.setContent(placeholder)
}

// A multipart would be taken for a part of the tree.
const attachmentType = /^(?!multipart\/)[!#$&^_.+\w-]+\/[!#$&^_.+\w-]+$/i

/** What a draft's own copy says of an attachment whose Content-Disposition cannot say it. */
export const dispositionField = 'X-Everdraft-Disposition'

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** RFC 3501 §6.4.5 */
function sectionOf(node: MimeNode): string {
  const parent = node.parentNode
  if (!parent) return ''
  const above = sectionOf(parent)
  const number = parent.childNodes.indexOf(node) + 1
  return above === '' ? `${number}` : `${above}.${number}`
}

/** Without the Date and Message-ID that nodemailer makes up: only the fields of MIME stay. */
function withoutOwnHeader(rendered: Buffer): Buffer {
  const end = rendered.indexOf('\r\n\r\n')
  const fields = rendered.toString('latin1', 0, end).split(/\r\n(?![ \t])/)
  const ofMime = fields.filter((field) => /^(?:Content-|MIME-)/i.test(field))
  return Buffer.concat([Buffer.from(ofMime.join('\r\n'), 'latin1'), rendered.subarray(end)])
}

function segmentSize(segment: ComposedSegment): number {
  return segment.kind === 'bytes' ? segment.bytes.length : segment.encodedSize
}
