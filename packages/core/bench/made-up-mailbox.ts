import { prose } from '../../testkit/bench/prose.ts'
import type { DraftTrace, MailText, SentMail } from '../src/correlation/evidence.ts'
import type { MessageId, Umid } from '../src/ids.ts'

export const begin: number = Date.UTC(2026, 9, 1)
export const people: number = 1_000
export const templates: number = 5

/** What a mail in Sent still tells of the draft that it was. */
export const kinds = {
  named: 'our Message-ID kept',
  threaded: 'ids dropped, edited, thread kept',
  unthreaded: 'ids and thread dropped, edited',
  unrelated: 'of no draft',
} as const

export type Kind = keyof typeof kinds

/** Half of them from a few templates, with a number in them; each answers a mail of its own. */
export function draftOf(at: number): DraftTrace {
  return {
    draftId: `draft ${at}` as Umid,
    createdAt: begin + at * 1_000,
    token: tokenOf(at),
    sentMark: null,
    uploadIds: [uploadId(at)],
    successorIds: [],
    submissionIds: [],
    serverIds: [],
    versions: [textOf(at)],
    whereabouts: { kind: 'there', seenAt: begin + at * 1_000 },
  }
}

function textOf(at: number): MailText {
  const isTemplate = at % 2 === 0
  const said = isTemplate ? `${prose(700, at % templates)}Number ${at}\n` : prose(500 + (at % 700), 1_000 + at)
  return {
    from: { name: 'Ann Example', address: 'ann@example.org' },
    to: [{ name: '', address: `bob${at % people}@example.com` }],
    cc: [],
    bcc: [],
    subject: `Re: ${isTemplate ? `Order ${at % templates}` : `About ${at}`}`,
    text: `${said}\nOn 2 Nov 2026, Bob wrote:\n> ${prose(300, 500_000 + at)
      .trim()
      .replaceAll('\n', '\n> ')}\n`,
    html: null,
    inReplyTo: parentOf(at),
    references: [parentOf(at)],
    attachments: [],
  }
}

export function mailOf(at: number, kind: Kind): SentMail {
  const drafted = textOf(kind === 'unrelated' ? at + 1_000_000 : at)
  const thread = kind === 'unthreaded' ? { inReplyTo: null, references: [] } : {}
  return {
    key: 'sent',
    messageId: kind === 'named' ? uploadId(at) : (`<${at}@mail.example.org>` as MessageId),
    originalIds: [],
    everdraftId: null,
    serverIds: [],
    sentAt: begin + at * 1_000 + 60_000,
    content: { ...drafted, ...thread, text: `A word before it.\n${drafted.text.replace(/^\S+/, 'Changed')}` },
  }
}

export function tokenOf(at: number): string {
  return at.toString(16).padStart(32, '0')
}

export function uploadId(at: number): MessageId {
  return `<0123456789ab.${tokenOf(at)}@example.org>` as MessageId
}

function parentOf(at: number): MessageId {
  return `<question-${at}@example.com>` as MessageId
}
