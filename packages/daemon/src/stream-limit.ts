import type { ApiTokenId } from '@everdraft/core'

import { ProblemError } from './problems.ts'

export interface StreamLimit {
  /**
   * One more of the token's streams is open, until what it returns is called. Null: a token that has no limit.
   * @throws {ProblemError} 429: it has as many as it may
   */
  open(tokenId: ApiTokenId | null): () => void
}

/** No client that comes again sooner helps: it waits until one of its others ends. */
const retryAfterSeconds = 10

/** Streams cost memory for as long as they are open, which the limit of requests does not see. 0: no limit. */
export function createStreamLimit(streamsPerToken: number): StreamLimit {
  const openByToken = new Map<ApiTokenId, number>()
  return {
    open(tokenId) {
      if (tokenId === null || streamsPerToken === 0) return () => {}
      const before = openByToken.get(tokenId) ?? 0
      if (before >= streamsPerToken) {
        throw new ProblemError(429, 'RATE_LIMITED', `this token may have ${streamsPerToken} streams open at a time`, {
          headers: { 'retry-after': String(retryAfterSeconds) },
        })
      }
      openByToken.set(tokenId, before + 1)
      return () => {
        const left = (openByToken.get(tokenId) ?? 1) - 1
        if (left === 0) openByToken.delete(tokenId)
        else openByToken.set(tokenId, left)
      }
    },
  }
}
