import type {
  DraftListItem,
  EngineOptions,
  EngineTiming,
  Outcome,
  Responder,
  ResponderInput,
  ResponderRequest,
} from '@everdraft/core'

import type { MailServerOptions } from '@everdraft/mailserver'

import { settle } from '../live/harness.ts'
import { openSender, type Sender } from './sender.ts'

/** A device whose account has a responder, in process. */
export interface AnsweringDevice extends AsyncDisposable, Omit<Sender, keyof AsyncDisposable> {
  /** What the responder was asked, in order. */
  readonly asked: readonly ResponderRequest[]
  /** These come into INBOX. */
  arrives(...raws: readonly string[]): Promise<void>
  /** Rounds until nothing is left to do. */
  settle(): Promise<void>
  drafts(): Promise<readonly DraftListItem[]>
  /** The oldest first. */
  outcomes(): Promise<readonly Outcome[]>
}

export interface AnsweringOptions {
  readonly answer?: Responder
  readonly input?: ResponderInput
  readonly timing?: Partial<EngineTiming>
  readonly engine?: Partial<EngineOptions>
  readonly server?: Omit<MailServerOptions, 'users'>
}

export const thanks: Responder = ({ message }) => ({ text: `Thank you for “${message.subject}”.` })

export async function openAnswering({
  answer = thanks,
  input = {},
  timing = {},
  engine = {},
  server = {},
}: AnsweringOptions = {}): Promise<AnsweringDevice> {
  const asked: ResponderRequest[] = []
  const responder: Responder = (request, options) => {
    asked.push(request)
    return answer(request, options)
  }
  const sender = await openSender(server, timing, { responders: { modules: { test: responder } }, ...engine })
  const { device } = sender
  const { account } = device
  await device.engine.responders.set(account.id, { module: 'test', ...input })
  await settle(device)
  return {
    ...sender,
    get mailServer() {
      return sender.mailServer
    },
    asked,
    arrives: (...raws) =>
      device.foreign(async (raw) => {
        for (const one of raws) await raw.append('INBOX', one)
      }),
    settle: () => settle(device),
    drafts: async () => (await device.engine.drafts.list({ accountId: account.id, status: 'draft' })).items,
    outcomes: async () => (await device.engine.outcomes.list({ accountId: account.id })).items.toReversed(),
    [Symbol.asyncDispose]: () => sender[Symbol.asyncDispose](),
  }
}

export interface MailFields {
  readonly from?: string
  readonly to?: string
  readonly subject?: string
  /** Null: it has none. */
  readonly messageId?: string | null
  readonly inReplyTo?: string
  readonly references?: string
  readonly date?: string
  /** Further fields, each with its line end. */
  readonly more?: string
  readonly text?: string
}

let mails = 0

/** A mail as a person writes it. */
export function mail(fields: MailFields = {}): string {
  mails += 1
  const { messageId = `<mail-${mails}@example.com>`, inReplyTo, references } = fields
  return [
    `From: ${fields.from ?? 'Bob Example <bob@example.com>'}`,
    `To: ${fields.to ?? 'ann@example.org'}`,
    `Subject: ${fields.subject ?? 'Prices'}`,
    `Date: ${fields.date ?? new Date(Date.UTC(2026, 0, 1, 12, 0, mails)).toUTCString().replace('GMT', '+0000')}`,
    ...(messageId === null ? [] : [`Message-ID: ${messageId}`]),
    ...(inReplyTo === undefined ? [] : [`In-Reply-To: ${inReplyTo}`]),
    ...(references === undefined ? [] : [`References: ${references}`]),
    `${fields.more ?? ''}Content-Type: text/plain; charset=utf-8`,
    '',
    fields.text ?? 'What does it cost?',
    '',
  ].join('\r\n')
}

/** What the same person writes next in that conversation. */
export function second(fields: MailFields = {}): string {
  return mail({
    messageId: '<second@example.com>',
    inReplyTo: '<first@example.com>',
    references: '<first@example.com>',
    ...fields,
  })
}
