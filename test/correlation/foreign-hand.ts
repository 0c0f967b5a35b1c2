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
}

/**
 * Does to the only draft in Drafts what is asked for. `between` runs where the program has saved the edit, before it sends.
 * @returns the Message-ID of the mail in Sent; null where none went
 */
export async function act(hand: ForeignHand, what: Act, between?: () => Promise<void>): Promise<string | null> {
  const { use, client, folders } = hand
  const [copy] = await drafts(hand)
  if (copy === undefined) throw new Error('there is no draft')
  const opened = await open(copy)
  const dice = createDice(`${client.name}/${what}`)
  const language = languages[0]
  if (language === undefined) throw new Error('there is no language')
  const context = { language, topic: 'the invoice', dice }
  const composition = compositionOf(opened.parsed, [])
  if (what === 'left') return null
  if (what === 'discarded') {
    await remove(hand)
    return null
  }
  const date = Math.floor(Date.now() / 1_000) * 1_000
  const newId = (): MessageId => client.newMessageId(dice) as MessageId
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
  const write = (messageId: MessageId, replaced: MessageId | null, isFinal: boolean): Buffer =>
    writeByClient({ client, opened, composition: left, messageId, replaced, date, isFinal })
  if (between !== undefined) {
    current = client.messageId.saved === 'kept' ? current : newId()
    const uids = (await drafts(hand)).map(({ uid }) => uid)
    await use((raw) => raw.append(folders.drafts, write(current, null, false), ['\\Draft', '\\Seen']))
    await remove(hand, uids)
    await between()
  }
  const messageId = client.messageId.sent === 'new' ? newId() : current
  const sent = write(messageId, client.originalIdField === null ? null : current, true)
  await use((raw) => raw.append(folders.sent, sent, ['\\Seen']))
  if (what !== 'unseen') await remove(hand)
  return messageId
}

/** The program is slow to take the draft away. */
export async function remove(hand: ForeignHand, uids?: readonly number[]): Promise<void> {
  const { use, folders } = hand
  const all = uids ?? (await drafts(hand)).map(({ uid }) => uid)
  await use(async (raw) => {
    await raw.select(folders.drafts)
    await raw.markDeleted(folders.drafts, all)
    await raw.expunge(folders.drafts)
  })
}

async function drafts({ use, folders }: ForeignHand): Promise<readonly ListedMessage[]> {
  const all = await use((raw) => raw.listMessages(folders.drafts))
  return all.filter(({ flags }) => !flags.some((flag) => flag.toLowerCase() === '\\deleted'))
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
