/**
 * `UNSUPPORTED`: nothing that can be shown safely; `TOO_LARGE`: in bytes, pixels or what it would unfold to; `BROKEN`: it is
 * not what it says it is, or ends too early; `LOCKED`: a password is needed; `TIMEOUT`: it takes longer than a preview may.
 */
export type PreviewErrorCode = 'UNSUPPORTED' | 'TOO_LARGE' | 'BROKEN' | 'LOCKED' | 'TIMEOUT'

/** No preview can be shown. The message is for people, and says nothing of what is in the file. */
export class PreviewError extends Error {
  override readonly name = 'PreviewError'
  readonly code: PreviewErrorCode

  constructor(code: PreviewErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}

const longestWorkMs = 10_000

/** @throws {PreviewError} TIMEOUT */
export async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new PreviewError('TIMEOUT', 'the preview takes too long')), longestWorkMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
