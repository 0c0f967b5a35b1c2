import type { NewTokenJson, TokenJson } from '@everdraft/daemon'

import { oneOf, type Command } from '../command.ts'
import { connectionOptions, withClient } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { oneLine, printJson, printLine } from '../output.ts'
import { listOptions, listRequest, printList } from '../paging.ts'

const scopes = ['read', 'write', 'send', 'approve', 'admin'] as const

export const tokenCreate: Command = {
  name: 'token create',
  summary: 'Make a token for a program or a person, and print it: it is told this once',
  details:
    'Scopes: read drafts, sends and accounts; write drafts and accounts, and sync; send, undo, retry and resolve; approve\nwhat is to be reviewed; admin tokens. A token makes none that can do more than itself; for other tenants and users\nonly the one of the daemon itself does.',
  options: {
    scope: { value: scopes.join('|'), repeatable: true, help: 'what it may do; several times for several' },
    name: { value: 'NAME', help: 'what it is for' },
    tenant: { value: 'TENANT', help: 'default: the own one' },
    user: { value: 'USER', help: 'default: oneself' },
    expires: { value: 'TIME', help: 'ISO 8601 with a time zone, 2027-01-01T00:00:00Z (default: never)' },
    json: { help: 'the token as JSON' },
    ...connectionOptions,
  },
  run: async (input) => {
    const given = input.options('scope').map((scope) => oneOf('scope', scope, scopes))
    if (given.length === 0) throw new UsageError('--scope is needed')
    const json = {
      scopes: [...new Set(given)],
      name: input.option('name'),
      tenant_id: input.option('tenant'),
      user_id: input.option('user'),
      expires_at: input.option('expires'),
    }
    const token = await withClient(input, (client) => client.request<NewTokenJson>('POST', '/tokens', { json }))
    if (input.isOn('json')) return printJson(token)
    printLine(token.token)
  },
}

export const tokenList: Command = {
  name: 'token list',
  summary: 'List the tokens, the newest first; what their bearers show is told by nobody',
  options: { ...listOptions, ...connectionOptions },
  run: async (input) => {
    const request = listRequest(input)
    await withClient(input, (client) =>
      printList<TokenJson>(client, request, {
        path: '/tokens',
        headings: ['ID', 'NAME', 'TENANT', 'USER', 'SCOPES', 'EXPIRES', 'LAST USED'],
        row: (token) => [
          token.id,
          oneLine(token.name),
          token.tenant_id,
          token.user_id,
          token.scopes.join(' '),
          token.expires_at ?? 'never',
          token.last_used_at ?? '–',
        ],
        none: 'no tokens but that of the daemon itself: everdraft token create',
      }),
    )
  },
}

export const tokenRevoke: Command = {
  name: 'token revoke',
  summary: 'Revoke a token: it opens nothing from now on',
  operands: ['ID'],
  options: connectionOptions,
  run: async (input) =>
    withClient(input, async (client) => {
      const id = input.operand(0)
      await client.request<null>('DELETE', `/tokens/${encodeURIComponent(id)}`)
      printLine(`token ${id} revoked`)
    }),
}
