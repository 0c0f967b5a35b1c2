import type { Environment } from '../environment.ts'
import type { MailboxPort } from '../wire/mailbox.ts'
import type { Engine } from './api.ts'

export interface EngineOptions {
  readonly storage: unknown
  readonly mailbox: MailboxPort
  /** Parts of the platform to replace: the clock, the random source, timers, SHA-256. */
  readonly environment?: Partial<Environment>
}

export async function createEngine(_options: EngineOptions): Promise<Engine> {
  throw new Error('not yet')
}
