import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'

import type { Attachment, AttachOptions } from '@everdraft/client'
import type { AddressJson, DraftJson, DraftListItemJson } from '@everdraft/daemon'

import { accountOption, chosenAccount, draftById } from '../account-choice.ts'
import { asUser } from '../author.ts'
import type { Client } from '../client.ts'
import { wholeNumber, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { contentOf, contentOptions } from '../content-options.ts'
import { filterOptions, filterQuery } from '../draft-filter.ts'
import { CommandFailure, UsageError } from '../failure.ts'
import { bytesOfText, bytesText, oneLine, printJson, printLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'
import { createProgressLine } from '../progress.ts'
import { templateByName } from '../template-choice.ts'

const selection = { ...accountOption, ...connectionOptions }

export const draftList: Command = {
  name: 'draft list',
  summary: 'List the drafts of an account, newest change first',
  options: {
    ...filterOptions,
    ...listOptions,
    ...selection,
  },
  run: async (input) => {
    const request = listRequest(input)
    const query = filterQuery(input)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      await printList<DraftListItemJson>(client, request, {
        path: `/accounts/${account.id}/drafts`,
        query,
        headings: ['ID', 'STATUS', 'SYNC', 'UID', 'CHANGED', 'TO', 'SUBJECT'],
        row: (draft) => [
          draft.id,
          draft.status,
          draft.sync.state,
          String(draft.sync.uid ?? '–'),
          draft.updated_at,
          oneLine(addressesText(draft.to), 40),
          oneLine(draft.subject),
        ],
        none: 'no drafts',
      })
    })
  },
}

export const draftShow: Command = {
  name: 'draft show',
  summary: 'Show a draft and where it is',
  operands: ['ID'],
  options: { json: { help: 'JSON, as REST answers it' }, ...selection },
  run: async (input) =>
    withClient(input, async (client) => {
      const draft = await draftById(client, input, input.operand(0))
      if (input.isOn('json')) return printJson(draft)
      printLine(`id        ${draft.id}`)
      printLine(`status    ${draft.status}, version ${draft.version}, changed ${draft.updated_at}`)
      printLine(`sync      ${syncText(draft)}`)
      printLine(`from      ${oneLine(draft.from === null ? '–' : addressesText([draft.from]), 200)}`)
      printLine(`to        ${oneLine(addressesText(draft.to), 200)}`)
      if (draft.cc.length > 0) printLine(`cc        ${oneLine(addressesText(draft.cc), 200)}`)
      if (draft.bcc.length > 0) printLine(`bcc       ${oneLine(addressesText(draft.bcc), 200)}`)
      printLine(`subject   ${oneLine(draft.subject, 200)}`)
      for (const attachment of draft.attachments) {
        printLine(
          `attached  ${oneLine(attachment.filename)} (${attachment.content_type}, ${bytesText(attachment.size)})`,
        )
      }
      printLine(`\n${draft.text.replaceAll(/[^\P{Cc}\n\t]/gu, ' ')}`)
    }),
}

function syncText({ sync }: DraftJson): string {
  const place = sync.uid === null ? 'no copy on the server' : `UID ${sync.uid} in ${oneLine(sync.folder ?? '?')}`
  const reason = sync.pending === null ? '' : `; ${sync.pending.reason} since ${sync.pending.since}`
  const error = sync.last_error === null ? '' : ` (${oneLine(sync.last_error.message, 200)})`
  return `${sync.state}: ${place}${reason}${error}`
}

function addressesText(addresses: readonly AddressJson[]): string {
  if (addresses.length === 0) return '–'
  return addresses.map(({ address, name }) => (name === '' ? address : `${name} <${address}>`)).join(', ')
}

export const draftCreate: Command = {
  name: 'draft create',
  summary: 'Create a draft; it is on disk when this returns',
  options: {
    ...contentOptions,
    template: { value: 'TEMPLATE', help: 'begin with this one: its id or name; the fields given win' },
    'local-only': { help: 'never upload it' },
    review: { help: 'it is sent only as somebody has approved it' },
    json: { help: 'the draft as JSON' },
    ...selection,
  },
  run: async (input) => {
    const content = await contentOf(input)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const name = input.option('template')
      const template = name === undefined ? null : await templateByName(client, account.id, name)
      const draft = await client.request<DraftJson>('POST', `/accounts/${account.id}/drafts`, {
        headers: asUser,
        json: {
          ...content,
          ...(template === null ? {} : { template_id: template.id }),
          ...(input.isOn('local-only') ? { policy: 'local-only' } : {}),
          ...(input.isOn('review') ? { review: { required: true } } : {}),
        },
      })
      if (input.isOn('json')) return printJson(draft)
      printLine(`draft ${draft.id} created, version ${draft.version}`)
    })
  },
}

export const draftEdit: Command = {
  name: 'draft edit',
  summary: 'Change the fields given; an empty text empties one',
  operands: ['ID'],
  options: {
    ...contentOptions,
    'base-version': { value: 'N', help: 'refuse if the draft has another version by now' },
    json: { help: 'the draft as JSON' },
    ...selection,
  },
  run: async (input) => {
    const base = input.option('base-version')
    const headers = base === undefined ? {} : { 'if-match': `"${wholeNumber('base-version', base, 1, 999_999_999)}"` }
    const content = await contentOf(input)
    if (Object.keys(content).length === 0) throw new UsageError('nothing to change: give a field')
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const draft = await client.request<DraftJson>('PUT', `/accounts/${accountId}/drafts/${id}`, {
        headers: { ...asUser, ...headers },
        json: content,
      })
      if (input.isOn('json')) return printJson(draft)
      printLine(`draft ${draft.id} saved, version ${draft.version}`)
    })
  },
}

export const draftAttach: Command = {
  name: 'draft attach',
  summary: 'Attach a file to a draft',
  operands: ['ID', 'FILE'],
  options: {
    name: { value: 'NAME', help: "default: the file's own" },
    type: { value: 'TYPE/SUBTYPE', help: 'default application/octet-stream' },
    json: { help: 'the attachment as JSON' },
    ...selection,
  },
  run: async (input) => {
    const path = input.operand(1)
    const type = input.option('type') ?? 'application/octet-stream'
    let file: Blob
    try {
      // Read as it is sent, never whole in memory.
      file = await openAsBlob(path, { type })
    } catch (error) {
      throw new CommandFailure(`${path} cannot be read: ${(error as Error).message}`)
    }
    const filename = input.option('name') ?? basename(path)
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const attachment = await attachShowing(client, {
        accountId,
        draftId: id,
        filename,
        content: file,
        author: 'user',
      })
      if (input.isOn('json')) return printJson(attachment)
      printLine(`${oneLine(attachment.filename)} (${bytesText(attachment.size)}) attached as ${attachment.id}`)
    })
  },
}

/** Says how far it is, to who sits before a terminal. */
async function attachShowing(client: Client, options: AttachOptions): Promise<Attachment> {
  using line = createProgressLine()
  return await client.attach({
    ...options,
    onProgress: ({ sentBytes, totalBytes }) => line.show(`attaching: ${bytesOfText(sentBytes, totalBytes)}`),
  })
}

export const draftDiscard: Command = {
  name: 'draft discard',
  summary: 'Discard a draft: to the local trash; its copies on the server go',
  operands: ['ID'],
  options: selection,
  run: async (input) =>
    withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const draft = await client.request<DraftJson>('DELETE', `/accounts/${accountId}/drafts/${id}`, {
        headers: asUser,
      })
      printLine(`draft ${draft.id} is ${draft.status}`)
    }),
}
