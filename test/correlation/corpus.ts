import { createHash } from 'node:crypto'

import {
  type Address,
  type ComposedMessage,
  type DraftContent,
  emptyContent,
  type MessageId,
  type OriginalMessage,
  type ParsedMessage,
  replyDraft,
  type Umid,
} from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'

// Inside of the core: what it decides by is not for its users.
import type { DraftTrace, SentMail, Whereabouts } from '../../packages/core/src/correlation/evidence.ts'
import { readingOf } from '../../packages/core/src/correlation/reading.ts'
import type { Verdict } from '../../packages/core/src/responder/outcome.ts'
import { resembling } from '../../packages/core/src/sync/kinship.ts'
import { attemptMessageId, sentMark, sentMessageId } from '../../packages/core/src/sync/message-ids.ts'
import { createDice, type Dice } from '../sim/world/dice.ts'
import { type Act, acts, edited, type Edit, type EditContext, handWritten, isEdit } from './edits.ts'
import {
  type Composition,
  compositionOf,
  type ForeignClient,
  hex,
  type OpenedDraft,
  uuid,
  writeByClient,
} from './foreign-client.ts'
import { foreignClients } from './foreign-clients/all.ts'
import { freshWords, type Language, languages, sentences } from './phrases.ts'
import type { RawFile } from './raw-message.ts'
import { writeMessage } from './raw-message.ts'

/** One draft, what was done to it, and what is to be found out. */
export interface LabelledCase {
  readonly draftId: Umid
  readonly client: string
  readonly act: Act
  readonly verdict: Verdict
  /** Of the mail that it became. */
  readonly sentKey: string | null
}

/** A mailbox: drafts that a program wrote over a month, and what is in Sent. */
export interface Corpus {
  readonly cases: readonly LabelledCase[]
  readonly drafts: readonly DraftTrace[]
  readonly sent: readonly SentMail[]
  readonly lookedAt: number
}

export interface CorpusOptions {
  readonly seed: string
  /** How often each act is done by each program. */
  readonly rounds: number
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const begin = Date.UTC(2026, 9, 20)
const ann: Address = { name: 'Ann Example', address: 'ann@example.org' }
const format = mimeFormat()
const createSha256 = () => {
  const hash = createHash('sha256')
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest('hex') }
}

/** The same for each seed. All messages are composed, written and read as bytes. */
export async function createCorpus({ seed, rounds }: CorpusOptions): Promise<Corpus> {
  const dice = createDice(seed)
  const mailbox = new Mailbox(dice.fork('mailbox'))
  const todo = shuffled(
    Array.from({ length: rounds }).flatMap(() =>
      foreignClients.flatMap((client) => acts.map((act): Task => ({ client, act }))),
    ),
    dice,
  )
  for (let at = 0; at < todo.length;) {
    const length = dice.between(2, 5)
    await mailbox.hold(todo.slice(at, at + length))
    at += length
  }
  return mailbox.finish()
}

interface Task {
  readonly client: ForeignClient
  readonly act: Act
}

interface Conversation {
  readonly language: Language
  readonly topic: string
  readonly person: Address
  readonly subject: string
  readonly template: readonly string[]
  /** No answers: each mail of it begins anew. */
  readonly isFresh: boolean
  /** What was said so far. */
  readonly ids: MessageId[]
  at: number
}

/** A draft as it lies on the server, and what is seen of it. */
interface Lying {
  readonly draftId: Umid
  readonly token: string
  readonly createdAt: number
  readonly content: DraftContent
  readonly opened: OpenedDraft
  readonly composition: Composition
  readonly uploadIds: MessageId[]
  readonly successorIds: MessageId[]
  readonly submissionIds: MessageId[]
  readonly versions: ParsedMessage[]
  /** When it is gone, as far as its copies show. */
  whereabouts: Whereabouts
}

class Mailbox {
  readonly #dice: Dice
  readonly #cases: LabelledCase[] = []
  readonly #lying: Lying[] = []
  readonly #sent: SentMail[] = []

  constructor(dice: Dice) {
    this.#dice = dice
  }

  /** A conversation in which each of these is done to a draft, one after the other. */
  async hold(tasks: readonly Task[]): Promise<void> {
    const dice = this.#dice
    const language = dice.pick(languages)
    const topic = dice.pick(language.topics)
    const number = dice.below(40)
    const conversation: Conversation = {
      language,
      topic,
      person: { name: `Bob Example ${number}`, address: `bob${number}@example.com` },
      subject: dice.chance(0.5) ? topic : `${topic} ${dice.between(100, 999)}`,
      template: this.#template(language, topic),
      isFresh: dice.chance(0.1),
      ids: [],
      at: begin + dice.below(25 * dayMs),
    }
    for (const task of tasks) {
      const draft = await this.#draft(conversation)
      await this.#play(draft, task, conversation)
      conversation.at += dice.between(2, 30) * hourMs
    }
    if (dice.chance(0.3)) await this.#other(conversation)
  }

  /** One of a few that all answers in a language are made from: near-identical drafts, also to one person. */
  #template(language: Language, topic: string): readonly string[] {
    const kind = this.#dice.below(3)
    return sentences(language, 2 + kind, topic, createDice(`${language.name} ${kind}`))
  }

  finish(): Corpus {
    const lookedAt = begin + 60 * dayMs
    const drafts = this.#lying.map((lying): DraftTrace => {
      const hasher = createSha256()
      const [first, ...later] = lying.versions as [ParsedMessage, ...ParsedMessage[]]
      const { draftId, createdAt, token, uploadIds, successorIds, submissionIds, whereabouts } = lying
      const ids = { uploadIds, successorIds, submissionIds, serverIds: [] }
      return {
        draftId,
        createdAt,
        token,
        sentMark: sentMark(token, hasher),
        ...ids,
        versions: [first, ...later],
        whereabouts,
      }
    })
    return { cases: this.#cases, drafts, sent: shuffled(this.#sent, this.#dice), lookedAt }
  }

  /** Mail comes in, and a program writes an answer into Drafts. */
  async #draft(conversation: Conversation): Promise<Lying> {
    const dice = this.#dice
    const { language, topic, person, template } = conversation
    const original = this.#incoming(conversation)
    const { fields } = conversation.isFresh
      ? { fields: { from: ann, to: [person], subject: `${topic} ${dice.below(5)}`, text: '\n' } }
      : replyDraft({ original, mode: 'reply', own: [ann], withHtml: false })
    const isTemplate = dice.chance(0.5)
    const said = isTemplate ? template : sentences(language, dice.between(1, 4), topic, dice)
    const own = [
      language.greeting.replace('{name}', person.name),
      '',
      ...said,
      ...(isTemplate && dice.chance(0.5) ? [`(${dice.between(1_000, 9_999)})`] : []),
      '',
      language.closing,
    ].join('\n')
    const files = dice.chance(0.15)
      ? [{ filename: `terms${dice.below(3)}.pdf`, contentType: 'application/pdf', bytes: dice.bytes(64) }]
      : []
    const draftId = uuid(dice) as Umid
    const token = hex(dice, 32)
    const messageId = attemptMessageId(token, ann.address, (length) => dice.bytes(length))
    const createdAt = conversation.at + dice.between(1, 60) * 1_000
    const content: DraftContent = { ...emptyContent, ...fields, text: `${own}${fields.text}` }
    const raw = await this.#stored({ content, files, messageId, date: createdAt, draftId })
    const { parsed } = await read(raw)
    const lying: Lying = {
      draftId,
      token,
      createdAt,
      content,
      opened: { parsed, unknownFields: [['X-Everdraft-Id', draftId]] },
      composition: compositionOf(parsed, files),
      uploadIds: [messageId],
      successorIds: [],
      submissionIds: [],
      versions: [parsed],
      whereabouts: { kind: 'there', seenAt: begin + 59 * dayMs },
    }
    this.#lying.push(lying)
    return lying
  }

  #incoming(conversation: Conversation): OriginalMessage {
    const dice = this.#dice
    const { language, topic, person, subject, ids } = conversation
    const messageId = `<${hex(dice, 20)}@mail.example.com>` as MessageId
    const original = {
      messageId,
      date: conversation.at,
      from: person,
      sender: null,
      replyTo: [],
      to: [ann],
      cc: [],
      mailFollowupTo: [],
      listPost: null,
      subject: ids.length === 0 ? subject : `Re: ${subject}`,
      inReplyTo: ids.at(-1) ?? null,
      references: [...ids],
      text: `${freshWords(dice.between(5, 15), dice)}\n${sentences(language, 1, topic, dice).join('\n')}\n`,
      html: null,
      attachments: [],
      protection: null,
      unmodelled: null,
    }
    ids.push(messageId)
    return original
  }

  async #stored(copy: {
    readonly content: DraftContent
    readonly files: readonly RawFile[]
    readonly messageId: MessageId
    readonly date: number
    readonly draftId: Umid | null
  }): Promise<Buffer> {
    const { content, files, messageId, date, draftId } = copy
    const composed = await format.compose({
      content: {
        ...content,
        attachments: files.map((file, index) => ({
          id: `${index}` as DraftContent['attachments'][number]['id'],
          filename: file.filename,
          contentType: file.contentType,
          size: file.bytes.length,
          sha256: createHash('sha256')
            .update(file.bytes)
            .digest('hex') as DraftContent['attachments'][number]['sha256'],
          disposition: 'attachment',
          contentId: null,
        })),
      },
      messageId,
      date,
      headers: draftId === null ? [] : [{ name: 'X-Everdraft-Id', value: draftId }],
      includeBcc: true,
    })
    return await bytesOf(composed, files)
  }

  async #play(draft: Lying, { client, act }: Task, conversation: Conversation): Promise<void> {
    const dice = this.#dice
    const context: EditContext = { language: conversation.language, topic: conversation.topic, dice }
    const openedAt = draft.createdAt + dice.between(2, 300) * minuteMs
    conversation.at = Math.max(conversation.at, openedAt)
    const label = (verdict: Verdict, sentKey: string | null): void =>
      void this.#cases.push({ draftId: draft.draftId, client: client.name, act, verdict, sentKey })
    if (act === 'left') return label('pending', null)
    if (act === 'discarded') {
      draft.whereabouts = dice.chance(0.3) ? { kind: 'discarded', at: openedAt } : this.#gone(openedAt)
      return label('discarded', null)
    }
    if (act === 'hand-written') {
      const composition = handWritten(draft.composition, context)
      const date = openedAt + dice.between(3, 40) * minuteMs
      const messageId = client.newMessageId(dice) as MessageId
      // It is an answer to the mail: nothing of the draft comes with it.
      const opened = { ...draft.opened, unknownFields: [] }
      const own = { ...draft, opened }
      await this.#putIntoSent({ draft: own, client, composition, messageId, replaced: null, date, isFinal: true })
      conversation.ids.push(messageId)
      draft.whereabouts = this.#afterHandWritten(date, openedAt)
      return label('replied-without-draft', null)
    }
    if (isEdit(act)) label(verdictOf(act), await this.#editAndSend(draft, client, act, context, openedAt, conversation))
  }

  /** Deleted first, cleared away later, or forgotten. */
  #afterHandWritten(date: number, openedAt: number): Whereabouts {
    const dice = this.#dice
    const when = dice.below(6)
    if (when < 2) return this.#gone(openedAt)
    if (when < 4) return { kind: 'there', seenAt: begin + 59 * dayMs }
    return this.#gone(date + dice.between(30, 600) * minuteMs)
  }

  async #editAndSend(
    draft: Lying,
    client: ForeignClient,
    edit: Edit,
    context: EditContext,
    openedAt: number,
    conversation: Conversation,
  ): Promise<string> {
    const dice = this.#dice
    const composition = edited(draft.composition, edit, context)
    const [uploadId] = draft.uploadIds as [MessageId]
    let current = uploadId
    let copyGoneAt: number | null = null
    const savesBefore = edit !== 'none' && edit !== 'unseen' && dice.chance(0.6)
    if (savesBefore) {
      const savedAt = openedAt + dice.between(1, 5) * minuteMs
      current = client.messageId.saved === 'kept' ? uploadId : (client.newMessageId(dice) as MessageId)
      const isKnown = await this.#see(draft, client, composition, current, savedAt)
      if (!isKnown) copyGoneAt = savedAt
    } else if (client.messageId.sent === 'of-the-save' && edit !== 'none') {
      // Saved as well, and gone before anybody has looked.
      current = client.newMessageId(dice) as MessageId
    }
    const date = openedAt + dice.between(6, 40) * minuteMs
    const kept = client.messageId.sent === 'kept' || client.messageId.sent === 'of-the-save'
    const messageId = kept ? current : (client.newMessageId(dice) as MessageId)
    const replaced = client.originalIdField === null ? null : current
    const key = await this.#putIntoSent({ draft, client, composition, messageId, replaced, date, isFinal: true })
    conversation.ids.push(messageId)
    draft.whereabouts = edit === 'unseen' ? { kind: 'there', seenAt: openedAt } : this.#gone(copyGoneAt ?? date + 2_000)
    if (client.unknownFields === 'kept' && dice.chance(0.2)) {
      // The same once more, as a template, to somebody else: all that names the draft goes with it.
      const copy = { ...composition, to: [{ name: '', address: `dora${dice.below(500)}@example.net` }] }
      const id = client.newMessageId(dice) as MessageId
      const at = date + dice.between(-20, 100) * minuteMs
      await this.#putIntoSent({ draft, client, composition: copy, messageId: id, replaced, date: at, isFinal: true })
    }
    if (dice.chance(0.08)) {
      const plain = { ...draft, opened: { ...draft.opened, unknownFields: [] } }
      const more = { ...composition, own: freshWords(dice.between(3, 12), dice), quote: '', cc: [], files: [] }
      const id = client.newMessageId(dice) as MessageId
      const later = date + dice.between(5, 100) * minuteMs
      await this.#putIntoSent({
        draft: plain,
        client,
        composition: more,
        messageId: id,
        replaced: null,
        date: later,
        isFinal: true,
      })
    }
    return key
  }

  /** A round sees what a program saved in place of the draft. @returns whether it is known for that draft's */
  async #see(
    draft: Lying,
    client: ForeignClient,
    composition: Composition,
    messageId: MessageId,
    date: number,
  ): Promise<boolean> {
    const { opened } = draft
    const raw = writeByClient({ client, opened, composition, messageId, replaced: null, date, isFinal: false })
    const { parsed } = await read(raw)
    const isNamed = draft.uploadIds.includes(messageId) || client.unknownFields === 'kept'
    // Another one of the same person's may have vanished in the same round.
    const others = this.#dice.chance(0.1) ? this.#lying.slice(-3, -1) : []
    const vanished = [draft, ...others].map(({ draftId, content }) => {
      return { draftId, reading: readingOf(content), isRecent: true }
    })
    const found = isNamed ? draft.draftId : resembling(contentOf(parsed), vanished)
    const owner = this.#lying.find(({ draftId }) => draftId === found)
    if (owner === undefined) return false
    if (!owner.uploadIds.includes(messageId)) owner.successorIds.push(messageId)
    owner.versions.push(parsed)
    return owner === draft
  }

  /** The times of the rounds between which it went: at once where the server tells, else five minutes apart. */
  #gone(at: number): Whereabouts {
    const dice = this.#dice
    if (dice.chance(0.5)) return { kind: 'gone', seenAt: at - 1_000, goneAt: at + dice.between(1, 20) * 1_000 }
    const before = dice.between(0, 5 * minuteMs)
    return { kind: 'gone', seenAt: at - before, goneAt: at - before + 5 * minuteMs }
  }

  async #putIntoSent(request: {
    readonly draft: Lying
    readonly client: ForeignClient
    readonly composition: Composition
    readonly messageId: MessageId
    readonly replaced: MessageId | null
    readonly date: number
    readonly isFinal: boolean
  }): Promise<string> {
    return await this.#readSent(writeByClient({ ...request, opened: request.draft.opened }), request.date)
  }

  async #readSent(raw: Buffer, date: number): Promise<string> {
    const key = `sent ${this.#sent.length}`
    const { parsed, header } = await read(raw)
    const everdraftId = /^x-everdraft-id:\s*(\S+)/im.exec(header)?.[1] ?? null
    const original = /^x-(?:google|microsoft)-original-message-id:\s*(<[^>\r\n]+>)/im.exec(header)?.[1]
    this.#sent.push({
      key,
      messageId: parsed.messageId,
      originalIds: original === undefined ? [] : [original as MessageId],
      everdraftId: everdraftId as Umid | null,
      serverIds: [],
      sentAt: parsed.date ?? date,
      content: parsed,
    })
    return key
  }

  /** What people send besides: the same words to somebody else, a word of their own, a mail passed on; and what we send. */
  async #other(conversation: Conversation): Promise<void> {
    const dice = this.#dice
    const { language, person, template, subject, topic } = conversation
    const client = dice.pick(foreignClients)
    const to = { name: 'Dora Example', address: `dora${dice.below(500)}@example.net` }
    const kind = dice.below(4)
    const date = conversation.at + dice.between(1, 50) * minuteMs
    if (kind === 3) {
      const draft = await this.#draft(conversation)
      const mark = sentMark(draft.token, createSha256())
      const messageId = sentMessageId(mark, ann.address, (length) => dice.bytes(length))
      const sentAt = draft.createdAt + hourMs
      const { content } = draft
      const raw = await this.#stored({
        content,
        files: draft.composition.files,
        messageId,
        date: sentAt,
        draftId: null,
      })
      const sentKey = await this.#readSent(raw, sentAt)
      draft.submissionIds.push(messageId)
      draft.whereabouts = { kind: 'discarded', at: sentAt }
      const { draftId } = draft
      this.#cases.push({ draftId, client: 'everdraft', act: 'none', verdict: 'sent-unchanged', sentKey })
      return
    }
    const text =
      kind === 0
        ? [language.greeting.replace('{name}', to.name), '', ...template, '', language.closing].join('\n')
        : [freshWords(dice.between(4, 30), dice), ...sentences(language, 1, topic, dice)].join('\n')
    const raw = writeMessage({
      fields: [
        ['Message-ID', client.newMessageId(dice)],
        ['Date', new Date(date).toUTCString().replace('GMT', '+0000')],
        ['From', `${ann.name} <${ann.address}>`],
        ['To', kind === 1 ? `${person.name} <${person.address}>` : `${to.name} <${to.address}>`],
        ['Subject', kind === 2 ? `Fwd: ${subject}` : kind === 0 ? `Re: ${subject}` : freshWords(3, dice)],
        ...(kind === 2 ? [['References', conversation.ids.join(' ')] as const] : []),
      ],
      text: `${text}\n`,
      style: client.style,
      files: [],
    })
    await this.#readSent(raw, date)
  }
}

/** As it is taken in from Drafts. */
function contentOf({ from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments }: ParsedMessage) {
  const files = attachments.map((one) => ({ ...one, id: one.section as DraftContent['attachments'][number]['id'] }))
  return { ...emptyContent, from, to, cc, bcc, subject, text, html, inReplyTo, references, attachments: files }
}

function verdictOf(edit: Edit): Verdict {
  return edit === 'none' || edit === 'quote-removed' ? 'sent-unchanged' : 'sent-edited'
}

async function read(raw: Buffer): Promise<{ readonly parsed: ParsedMessage; readonly header: string }> {
  async function* bytes() {
    yield raw
  }
  const parsed = await format.parse(bytes(), createSha256)
  return { parsed, header: raw.subarray(0, raw.indexOf('\r\n\r\n')).toString('latin1') }
}

async function bytesOf({ segments }: ComposedMessage, files: readonly RawFile[]): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for (const segment of segments) {
    if (segment.kind === 'bytes') pieces.push(segment.bytes)
    else {
      const file = files.find(({ bytes }) => createHash('sha256').update(bytes).digest('hex') === segment.sha256)
      async function* decoded() {
        yield file?.bytes ?? new Uint8Array()
      }
      for await (const piece of segment.encode(decoded())) pieces.push(piece)
    }
  }
  return Buffer.concat(pieces)
}

function shuffled<Item>(items: readonly Item[], dice: Dice): readonly Item[] {
  const all = [...items]
  for (let at = all.length - 1; at > 0; at -= 1) {
    const other = dice.below(at + 1)
    ;[all[at], all[other]] = [all[other] as Item, all[at] as Item]
  }
  return all
}
