/** Called in a way that cannot work: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Called rightly, and yet it could not do its job: exit code 1. The message is for people. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
}

/** Ended by SIGINT or SIGTERM before the job was done: exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'

  constructor() {
    super('interrupted')
  }
}
