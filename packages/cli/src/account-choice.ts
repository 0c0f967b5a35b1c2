import type { AccountJson, DraftJson } from '@everdraft/daemon'

import { ApiError, type Client } from './client.ts'
import type { CommandInput, Option } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { everyItem } from './paging.ts'

export const accountOption: Readonly<Record<string, Option>> = {
  account: { value: 'ACCOUNT', help: 'its id or address; not needed when there is only one' },
}

/** The account that `--account` names, else the only one. */
export async function chosenAccount(client: Client, input: CommandInput): Promise<AccountJson> {
  const accounts = await allAccounts(client)
  const name = input.option('account')
  if (name !== undefined) return accountNamed(accounts, name)
  const [only] = accounts
  if (only === undefined) throw new CommandFailure('there is no account yet: everdraft account add')
  if (accounts.length > 1) throw new UsageError('there are several accounts: --account says which')
  return only
}

export async function accountByName(client: Client, name: string): Promise<AccountJson> {
  return accountNamed(await allAccounts(client), name)
}

/** A draft by its id alone: in the account that `--account` names, else in whichever it is. */
export async function draftById(client: Client, input: CommandInput, id: string): Promise<DraftJson> {
  const accounts = await allAccounts(client)
  const name = input.option('account')
  for (const account of name === undefined ? accounts : [accountNamed(accounts, name)]) {
    try {
      return await client.request<DraftJson>('GET', `/accounts/${account.id}/drafts/${encodeURIComponent(id)}`)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
    }
  }
  throw new CommandFailure(`there is no draft ${id}`)
}

async function allAccounts(client: Client): Promise<readonly AccountJson[]> {
  return everyItem<AccountJson>(client, '/accounts')
}

function accountNamed(accounts: readonly AccountJson[], name: string): AccountJson {
  const found = accounts.filter(({ id, address }) => id === name || address === name)
  const [only] = found
  if (only === undefined) throw new CommandFailure(`there is no account ${name}`)
  if (found.length > 1) throw new UsageError(`several accounts have the address ${name}: use the id`)
  return only
}
