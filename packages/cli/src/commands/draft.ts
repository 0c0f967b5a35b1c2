import { openAsBlob } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { text as readStream } from 'node:stream/consumers'

import type { AddressJson, AttachmentJson, DraftJson, DraftListItemJson, RevisionJson } from '@everdraft/daemon'

import { accountOption, chosenAccount, draftById } from '../account-choice.ts'
import { oneOf, wholeNumber, type Command, type CommandInput, type Option } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { CommandFailure, UsageError } from '../failure.ts'
import { bytesText, oneLine, printJson, printLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'

const selection = { ...accountOption, ...connectionOptions }
const statuses = ['draft', 'queued', 'sending', 'sent', 'discarded'] as const
const syncStates = ['local-only', 'synchronized', 'stale-server'] as const

export const draftList: Command = {
  name: 'draft list',
  summary: 'List the drafts of an account, newest change first',
  options: {
    status: { value: 'STATUS', help: statuses.join(', ') },
    'sync-state': { value: 'STATE', help: syncStates.join(', ') },
    tag: { value: 'TAG', help: 'those with this tag' },
    ...listOptions,
    ...selection,
  },
  run: async (input) => {
    const request = listRequest(input)
    const status = input.option('status')
    const syncState = input.option('sync-state')
    const query = {
      status: status === undefined ? undefined : oneOf('status', status, statuses),
      sync_state: syncState === undefined ? undefined : oneOf('sync-state', syncState, syncStates),
      tag: input.option('tag'),
    }
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

const contentOptions = {
  from: { value: 'ADDRESS', help: 'the sender' },
  to: { value: 'ADDRESS', repeatable: true, help: 'a recipient; may be given again' },
  cc: { value: 'ADDRESS', repeatable: true, help: 'likewise' },
  bcc: { value: 'ADDRESS', repeatable: true, help: 'likewise' },
  subject: { value: 'TEXT', help: 'the subject' },
  text: { value: 'TEXT', help: 'the text' },
  'text-file': { value: 'FILE', help: 'the text from a file, - for standard input' },
  'html-file': { value: 'FILE', help: 'the HTML from a file, - for standard input' },
  tag: { value: 'TAG', repeatable: true, help: 'a tag; may be given again' },
} satisfies Record<string, Option>

/** The fields that were given; an empty text empties a field. */
async function contentOf(input: CommandInput): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {}
  if (input.option('text') !== undefined && input.option('text-file') !== undefined) {
    throw new UsageError('--text and --text-file: only one of them')
  }
  for (const name of ['from', 'subject', 'text']) {
    const value = input.option(name)
    if (value !== undefined) content[name] = value === '' ? null : value
  }
  for (const name of ['to', 'cc', 'bcc']) {
    const values = input.options(name)
    if (values.length > 0) content[name] = values.filter((value) => value !== '')
  }
  const tags = input.options('tag')
  if (tags.length > 0) content['tags'] = tags.filter((tag) => tag !== '')
  for (const [option, field] of [
    ['text-file', 'text'],
    ['html-file', 'html'],
  ] as const) {
    const path = input.option(option)
    if (path !== undefined) content[field] = await readText(path)
  }
  return content
}

async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? await readStream(process.stdin) : await readFile(path, 'utf8')
  } catch (error) {
    throw new CommandFailure(`${path} cannot be read: ${(error as Error).message}`)
  }
}

const asUser = { 'everdraft-author': 'user' }

export const draftCreate: Command = {
  name: 'draft create',
  summary: 'Create a draft; it is on disk when this returns',
  options: {
    ...contentOptions,
    'local-only': { help: 'never upload it' },
    json: { help: 'the draft as JSON' },
    ...selection,
  },
  run: async (input) => {
    const content = await contentOf(input)
    await withClient(input, async (client) => {
      const account = await chosenAccount(client, input)
      const draft = await client.request<DraftJson>('POST', `/accounts/${account.id}/drafts`, {
        headers: asUser,
        json: { ...content, ...(input.isOn('local-only') ? { policy: 'local-only' } : {}) },
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
    const filename = encodeURIComponent(input.option('name') ?? basename(path)).replaceAll("'", '%27')
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      const attachment = await client.request<AttachmentJson>(
        'POST',
        `/accounts/${accountId}/drafts/${id}/attachments`,
        { body: file, headers: { ...asUser, 'content-disposition': `attachment; filename*=UTF-8''${filename}` } },
      )
      if (input.isOn('json')) return printJson(attachment)
      printLine(`${oneLine(attachment.filename)} (${bytesText(attachment.size)}) attached as ${attachment.id}`)
    })
  },
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

export const draftHistory: Command = {
  name: 'draft history',
  summary: 'List the revisions of a draft, newest first',
  operands: ['ID'],
  options: { ...listOptions, ...selection },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, async (client) => {
      const { account_id: accountId, id } = await draftById(client, input, input.operand(0))
      await printList<RevisionJson>(client, request, {
        path: `/accounts/${accountId}/drafts/${id}/history`,
        headings: ['VERSION', 'SAVED', 'BY', 'DEVICE', 'CHANGED'],
        row: (revision) => [
          String(revision.version),
          revision.saved_at,
          revision.by,
          oneLine(revision.device),
          revision.fields_changed.join(', '),
        ],
        none: 'no revisions',
      })
    })
  },
}
