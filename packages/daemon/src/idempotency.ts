import { createHash } from 'node:crypto'

import type { RepeatableRequest } from '@everdraft/core'

import { ProblemError } from './problems.ts'

const keptMs = 24 * 60 * 60 * 1000
const keptKeys = 10_000

type Entry<Result> =
  | { readonly state: 'running'; readonly fingerprint: string }
  | { readonly state: 'done'; readonly fingerprint: string; readonly result: Result; readonly at: number }

export interface IdempotentRequest {
  /** Absent: the request is carried out, whatever came before. */
  readonly key: string | undefined
  /** Where the key holds: one key may be used once in each. */
  readonly scope: string
  readonly body: unknown
}

export interface IdempotencyKeys<Result> {
  /** Runs `work` once for a key. What fails is forgotten, so that it can be tried again. */
  once(request: IdempotentRequest, work: () => Promise<Result>): Promise<Result>
}

/** For what outlives the daemon: the engine keeps the keys of sends, new drafts and replies beside them. Null without a key. */
export function repeatableRequestOf({ key, scope, body }: IdempotentRequest): RepeatableRequest | null {
  return key === undefined ? null : { scope, key, digest: fingerprintOf(body) }
}

function fingerprintOf(body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex')
}

/** `Idempotency-Key` while the daemon runs: who asks again meanwhile is told so. Over a restart the engine knows the key. */
export function createIdempotencyKeys<Result>(): IdempotencyKeys<Result> {
  const entries = new Map<string, Entry<Result>>()

  function forgetOld(): void {
    for (const [key, entry] of entries) {
      if (entry.state === 'running') continue
      if (entries.size <= keptKeys && entry.at > Date.now() - keptMs) return
      entries.delete(key)
    }
  }

  return {
    once: async ({ key, scope, body }, work) => {
      if (key === undefined) return work()
      forgetOld()
      const scoped = `${scope} ${key}`
      const fingerprint = fingerprintOf(body)
      const known = entries.get(scoped)
      if (known !== undefined && known.fingerprint !== fingerprint) {
        throw new ProblemError(422, 'IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key: was used with another body')
      }
      if (known?.state === 'running') {
        throw new ProblemError(
          409,
          'IN_FLIGHT',
          'Idempotency-Key: the first request with it is still being carried out',
        )
      }
      if (known?.state === 'done') return known.result
      entries.set(scoped, { state: 'running', fingerprint })
      try {
        const result = await work()
        entries.set(scoped, { state: 'done', fingerprint, result, at: Date.now() })
        return result
      } catch (error) {
        entries.delete(scoped)
        throw error
      }
    },
  }
}
