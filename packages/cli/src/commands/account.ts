import type { AccountJson, AccountReportJson } from '@everdraft/daemon'

import { accountByName } from '../account-choice.ts'
import { needed, oneOf, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { discoveredServers } from '../discovered-servers.ts'
import { UsageError } from '../failure.ts'
import { loginOptions, readLogins } from '../login-options.ts'
import { oneLine, printJson, printLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'

const details =
  'Passwords and tokens come from environment variables, or are asked for, or read from standard input: one line each. With a proxy, --allow-untrusted or OAuth2 both servers are reached that way.'

export const accountAdd: Command = {
  name: 'account add',
  summary: 'Add an account; the server is not contacted (see account verify)',
  details,
  options: {
    address: { value: 'ADDRESS', help: 'the mail address' },
    name: { value: 'NAME', help: 'the name shown with it' },
    discover: { help: 'find the servers by what the domain of the address has published' },
    ...loginOptions,
    json: { help: 'the account as JSON' },
    ...connectionOptions,
  },
  run: async (input) => {
    const address = needed(input, 'address')
    const name = input.option('name')
    // What is missing is said before anything is opened, where it can be.
    const given = input.isOn('discover') ? null : await readLogins(input, address)
    const account = await withClient(input, async (client) => {
      const logins = given ?? (await readLogins(input, address, await discoveredServers(client, input, address)))
      return await client.request<AccountJson>('POST', '/accounts', {
        json: { address, ...(name === undefined ? {} : { name }), ...logins },
      })
    })
    if (input.isOn('json')) return printJson(account)
    printLine(`account ${account.id} (${oneLine(account.address)}) added`)
  },
}

export const accountChange: Command = {
  name: 'account change',
  summary: 'Change the name of an account, or how it enters its servers',
  details: `What is not said of a server stays as it is, but for its password, its proxy and --allow-untrusted, which are given anew with any change of a server. ${details}`,
  operands: ['ACCOUNT'],
  options: {
    name: { value: 'NAME', help: 'the name shown with it' },
    ...loginOptions,
    json: { help: 'the account as JSON' },
    ...connectionOptions,
  },
  run: async (input) => {
    const name = input.option('name')
    const changesServers = Object.keys(loginOptions).some(
      (each) => input.option(each) !== undefined || input.isOn(each),
    )
    if (name === undefined && !changesServers) throw new UsageError('nothing to change is given')
    const account = await withClient(input, async (client) => {
      const before = await accountByName(client, input.operand(0))
      const logins = changesServers ? await readLogins(input, before.address, before) : {}
      return await client.request<AccountJson>('PATCH', `/accounts/${before.id}`, {
        json: { ...(name === undefined ? {} : { name }), ...logins },
      })
    })
    if (input.isOn('json')) return printJson(account)
    printLine(`account ${account.id} (${oneLine(account.address)}) changed`)
  },
}

export const accountList: Command = {
  name: 'account list',
  summary: 'List the accounts',
  options: { ...listOptions, ...connectionOptions },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, (client) =>
      printList<AccountJson>(client, request, {
        path: '/accounts',
        headings: ['ID', 'ADDRESS', 'IMAP', 'LAST ERROR'],
        row: ({ id, address, imap, last_error: lastError }) => [
          id,
          oneLine(address),
          `${oneLine(imap.host)}:${imap.port} (${imap.security})`,
          oneLine(lastError?.message ?? '–'),
        ],
        none: 'no accounts yet: everdraft account add',
      }),
    )
  },
}

export const accountVerify: Command = {
  name: 'account verify',
  summary: 'Connect, and say what the server can do and how drafts will be uploaded there',
  operands: ['ACCOUNT'],
  options: { json: { help: 'JSON, as REST answers it' }, ...connectionOptions },
  run: async (input) =>
    withClient(input, async (client) => {
      const account = await accountByName(client, input.operand(0))
      const report = await client.request<AccountReportJson>('POST', `/accounts/${account.id}/verify`)
      if (input.isOn('json')) return printJson(report)
      const { append_limit: appendLimit, ...capabilities } = report.capabilities
      const has = Object.entries(capabilities).flatMap(([name, present]) =>
        present ? [name.replaceAll('_', '-')] : [],
      )
      printLine(`${oneLine(account.imap.host)}:${account.imap.port} lets ${oneLine(account.imap.user)} in`)
      printLine(`  can           ${has.length === 0 ? 'IMAP4rev1 only' : has.join(', ')}`)
      printLine(`  largest mail  ${appendLimit === null ? 'not said' : `${appendLimit} bytes`}`)
      const made = report.to_create === null ? 'no folder' : `${report.to_create.path}, made at the first upload`
      printLine(`  drafts in     ${oneLine(report.folders.drafts ?? made)}`)
      printLine(`  sent mail in  ${oneLine(report.folders.sent ?? 'no folder found')}`)
      printLine(`  trash in      ${oneLine(report.folders.trash ?? 'no folder found')}`)
      printLine(`  room left     ${report.quota_left === null ? 'not said' : `${report.quota_left} bytes`}`)
      printLine(`  hears by      ${report.push === 'poll' ? 'asking, as the server tells nothing' : report.push}`)
      const { text, with_attachment: withAttachment } = report.edit_cost
      printLine(`  an edit       ${cost(text)}`)
      printLine(`  with 10 MiB   ${cost(withAttachment)}`)
      printLine(`  drafts there  ${oneLine(survivalInWords(report.probe))}`)
      printLine(`  sent copies   whether the server files them is ${report.files_sent_copies} until a mail was sent`)
      printLine(`  sending       ${oneLine(submissionInWords(report.submission))}`)
    }),
}

function cost({ method, bytes }: AccountReportJson['edit_cost']['text']): string {
  return bytes === null ? 'is more than the server takes' : `${bytes} bytes by ${method}`
}

function survivalInWords(probe: AccountReportJson['probe']): string {
  if (probe === null) return 'not looked at yet: there is no folder'
  const left = probe.message_left ? '; the message that was stored to find out is still to be removed' : ''
  const { survival } = probe
  if (survival === null) return `not known: ${probe.refusal ?? 'the server was not looked at'}${left}`
  const changes = [
    ...(survival.message_id === 'kept' ? [] : [`Message-ID ${survival.message_id}`]),
    ...(survival.private_headers ? [] : ['X- fields dropped']),
    ...(survival.bcc ? [] : ['Bcc dropped']),
    ...(survival.body === 'kept' ? [] : ['text altered']),
    ...(survival.draft_flag ? [] : ['\\Draft dropped']),
    ...(survival.keywords === 'kept' ? [] : [`keywords ${survival.keywords}`]),
    ...(survival.internal_date ? [] : ['INTERNALDATE changed']),
  ]
  return `${changes.length === 0 ? 'kept as they are' : changes.join(', ')}${left}`
}

function submissionInWords(submission: AccountReportJson['submission']): string {
  if (submission === null) return 'no server given'
  if (submission.capabilities === null) return `fails: ${submission.error?.message ?? ''}`
  const { size_limit: sizeLimit, dsn } = submission.capabilities
  const size = sizeLimit === null ? 'no size limit said' : `mails of up to ${sizeLimit} bytes`
  return `lets us in, ${size}, ${dsn ? 'reports of delivery' : 'no reports of delivery'}`
}

export const accountRemove: Command = {
  name: 'account remove',
  summary: 'Remove an account from this device',
  operands: ['ACCOUNT'],
  options: {
    unsent: { value: 'keep|discard', help: 'what becomes of the copies of its drafts on the server' },
    ...connectionOptions,
  },
  run: async (input) => {
    const unsent = input.option('unsent')
    const query = unsent === undefined ? '' : `?unsent=${oneOf('unsent', unsent, ['keep', 'discard'])}`
    await withClient(input, async (client) => {
      const account = await accountByName(client, input.operand(0))
      await client.request<null>('DELETE', `/accounts/${account.id}${query}`)
      printLine(`account ${account.id} (${oneLine(account.address)}) removed`)
    })
  },
}
