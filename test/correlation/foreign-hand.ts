import { createHash } from 'node:crypto'

import type { MessageId, ParsedMessage } from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'
import type { ListedMessage, RawImap } from '@everdraft/testkit'

import { createDice } from '../sim/world/dice.ts'
import { type Act, edited, handWritten, isEdit } from './edits.ts'
import { compositionOf, type ForeignClient, type OpenedDraft, writeByClient } from './foreign-client.ts'
import { languages } from './phrases.ts'

/** A person at another mail program, who works on the same mailbox. */
export interface ForeignHand {
  /** As the server shows it. */
  readonly use: <Result>(work: (raw: RawImap) => Promise<Result>) => Promise<Result>
  /** Where the person sends from. */
  readonly client: ForeignClient
  readonly folders: { readonly drafts: string; readonly sent: string }
  /** The Message-ID that the draft answers. */
  readonly question: string
}

/**
 * Does to the draft what is asked for. `between` runs where the program has saved the edit, before it sends.
 * @returns the Message-ID of the mail in Sent; null where none went
 */
export async function act(hand: ForeignHand, what: Act, between?: () => Promise<void>): Promise<string | null> {
  const { use, client, folders } = hand
  const copy = await draftOf(hand)
  const opened = await open(copy)
  const dice = createDice(`${client.name}/${what}`)
  const language = languages[0]
  if (language === undefined) throw new Error('there is no language')
  const context = { language, topic: 'the invoice', dice }
  const composition = compositionOf(opened.parsed, [])
  if (what === 'left') return null
  if (what === 'discarded') {
    await remove(hand, copy.uid)
    return null
  }
  const date = Math.floor(Date.now() / 1_000) * 1_000
  const newId = (): MessageId => client.newMessageId(dice.fork(hand.question)) as MessageId
  if (!isEdit(what)) {
    const messageId = newId()
    const own = { ...opened, unknownFields: [] }
    const left = handWritten(composition, context)
    const request = { client, opened: own, composition: left, messageId, replaced: null, date, isFinal: true }
    await use((raw) => raw.append(folders.sent, writeByClient(request), ['\\Seen']))
    return messageId
  }
  const left = edited(composition, what, context)
  let current = opened.parsed.messageId ?? newId()
  let { uid } = copy
  const write = (messageId: MessageId, replaced: MessageId | null, isFinal: boolean): Buffer =>
    writeByClient({ client, opened, composition: left, messageId, replaced, date, isFinal })
  if (between !== undefined) {
    current = client.messageId.saved === 'kept' ? current : (`<saved.${newId().slice(1)}` as MessageId)
    const saved = await use((raw) => raw.append(folders.drafts, write(current, null, false), ['\\Draft', '\\Seen']))
    if (saved === null) throw new Error('the server does not say which message it has stored')
    await remove(hand, uid)
    uid = saved.uid
    await between()
  }
  const messageId = client.messageId.sent === 'new' ? newId() : current
  const sent = write(messageId, client.originalIdField === null ? null : current, true)
  await use((raw) => raw.append(folders.sent, sent, ['\\Seen']))
  if (what !== 'unseen') await remove(hand, uid)
  return messageId
}

export async function remove({ use, folders }: ForeignHand, uid: number): Promise<void> {
  await use(async (raw) => {
    await raw.select(folders.drafts)
    await raw.markDeleted(folders.drafts, [uid])
    await raw.expunge(folders.drafts)
  })
}

/** Its copy on the server, as any program sees it. */
export async function draftOf({ use, folders, question }: ForeignHand): Promise<ListedMessage> {
  const all = await use((raw) => raw.listMessages(folders.drafts))
  const copies = all.filter(({ flags }) => !flags.some((flag) => flag.toLowerCase() === '\\deleted'))
  const [copy] = copies.filter(({ bytes }) => bytes.includes(`In-Reply-To: ${question}`))
  if (copy === undefined) throw new Error(`there is no draft that answers ${question}`)
  return copy
}

async function open({ bytes }: ListedMessage): Promise<OpenedDraft> {
  async function* whole() {
    yield bytes
  }
  const parsed: ParsedMessage = await mimeFormat().parse(whole(), () => {
    const hash = createHash('sha256')
    return { update: (piece) => void hash.update(piece), digest: () => hash.digest('hex') }
  })
  const header = bytes
    .subarray(0, bytes.indexOf('\r\n\r\n'))
    .toString('latin1')
    .replaceAll(/\r\n[ \t]+/g, ' ')
  const unknownFields = [...header.matchAll(/^(X-Everdraft-[A-Za-z]+):\s*(.*)$/gim)].map(
    ([, name = '', value = '']) => [name, value.trim()] as const,
  )
  return { parsed, unknownFields }
}
