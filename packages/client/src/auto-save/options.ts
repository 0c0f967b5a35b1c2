import type { Client } from '../client.ts'

export interface AutoSaveOptions {
  readonly client: Client
  readonly accountId: string
  /** A UUID. One that the daemon does not know is made by the first save: offline, too. */
  readonly draftId: string
  /** Whose the account is: the shadow is the database `everdraft_email_[tenantId]`. Default `default`. */
  readonly tenantId?: string
  readonly userId?: string
  /** In the history of the draft. Default `unknown`. */
  readonly deviceId?: string
  /** Saves after a pause of so many milliseconds: 1,000 to 60,000. Default 2,000. */
  readonly interval?: number
  /** Saves so long after the first change, whatever is typed. Default five times `interval`, at most a minute. */
  readonly longestInterval?: number
}

const defaultIntervalMs = 2_000
const longestIntervalMs = 60_000

/** @throws {RangeError} for an interval out of its range */
export function checkedOptions(options: AutoSaveOptions): Required<AutoSaveOptions> {
  const { interval = defaultIntervalMs } = options
  const { longestInterval = Math.min(5 * interval, longestIntervalMs) } = options
  for (const [name, ms] of Object.entries({ interval, longestInterval })) {
    if (!Number.isFinite(ms) || ms < 1_000 || ms > longestIntervalMs) {
      throw new RangeError(`${name} must be 1,000 to 60,000 milliseconds`)
    }
  }
  return { tenantId: 'default', userId: 'default', deviceId: 'unknown', ...options, interval, longestInterval }
}
