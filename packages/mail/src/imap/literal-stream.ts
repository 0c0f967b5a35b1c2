import type { LiteralSink } from './response-reader.ts'

/**
 * A literal on its way from the server to whoever reads it. One chunk at a time is held: the next is taken from the
 * socket when the reader asks for more.
 */
export class LiteralStream implements LiteralSink, AsyncIterable<Uint8Array> {
  /** Resolves when the literal begins to arrive. */
  readonly begun: Promise<void>
  readonly #begin: () => void
  #chunk: Uint8Array | null = null
  #taken: (() => void) | null = null
  #wake: (() => void) | null = null
  #state: 'open' | 'ended' | 'abandoned' = 'open'
  #failure: Error | null = null
  #finish: Promise<unknown> = Promise.resolve()

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.begun = promise
    this.#begin = resolve
  }

  /** True while the server would go on if someone read. */
  get isHeldUp(): boolean {
    return this.#state === 'open' && this.#taken !== null
  }

  begin(): void {
    this.#begin()
  }

  /** What must have happened before the last chunk counts: the command's own answer. */
  endsWith(finish: Promise<unknown>): void {
    this.#finish = finish
    finish.catch((error: Error) => this.fail(error))
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#state !== 'open') return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#chunk = chunk
    this.#taken = resolve
    this.#wake?.()
    await promise
  }

  end(): void {
    if (this.#state === 'open') this.#state = 'ended'
    this.#wake?.()
  }

  fail(error: Error): void {
    this.#failure = error
    this.#release()
    this.#wake?.()
  }

  /** Nobody reads on: what is still to come is thrown away. */
  abandon(): void {
    if (this.#state !== 'open') return
    this.#state = 'abandoned'
    this.#failure = notReadToItsEnd()
    this.#release()
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        if (this.#failure) throw this.#failure
        if (this.#chunk) {
          const chunk = this.#chunk
          this.#chunk = null
          yield chunk
          this.#release()
        } else if (this.#state === 'ended') {
          await this.#finish
          return
        } else {
          const { promise, resolve } = Promise.withResolvers<void>()
          this.#wake = resolve
          await promise
          this.#wake = null
        }
      }
    } finally {
      this.abandon()
    }
  }

  #release(): void {
    const taken = this.#taken
    this.#taken = null
    this.#chunk = null
    taken?.()
  }
}

export function notReadToItsEnd(): Error {
  return new Error('The message was not read to its end before the next command')
}
