import { type CommandInput, oneOf, type Option } from './command.ts'

const statuses = ['draft', 'queued', 'sending', 'sent', 'discarded'] as const
const syncStates = ['local-only', 'synchronized', 'stale-server'] as const

/** Which drafts a list or a search shows. */
export const filterOptions: Readonly<Record<string, Option>> = {
  status: { value: 'STATUS', choices: statuses, help: statuses.join(', ') },
  'sync-state': { value: 'STATE', choices: syncStates, help: syncStates.join(', ') },
  tag: { value: 'TAG', help: 'those with this tag' },
}

/** @throws {UsageError} */
export function filterQuery(input: CommandInput): Readonly<Record<string, string | undefined>> {
  const status = input.option('status')
  const syncState = input.option('sync-state')
  return {
    status: status === undefined ? undefined : oneOf('status', status, statuses),
    sync_state: syncState === undefined ? undefined : oneOf('sync-state', syncState, syncStates),
    tag: input.option('tag'),
  }
}
