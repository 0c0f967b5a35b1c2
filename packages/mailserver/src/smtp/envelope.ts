/** Who sends to whom, as MAIL and RCPT said (RFC 5321 §3.3). */
export type Envelope = {
  /** The authenticated user; undefined where none is required. */
  readonly user: string | undefined
  /** Empty for the null reverse-path. */
  readonly from: string
  readonly to: readonly string[]
  readonly body: '7BIT' | '8BITMIME'
  readonly smtpUtf8: boolean
  /** It is not to be delivered before (RFC 4865); undefined: at once. */
  readonly holdUntilMs: number | undefined
}

/** A transaction that was accepted: what came between DATA and the dot. */
export type Submission = {
  readonly envelope: Envelope
  readonly bytes: Uint8Array
  readonly acceptedAtMs: number
}

export type PathArgument = {
  readonly address: string
  readonly parameters: ReadonlyMap<string, string>
}

/** `FROM:<a@b> SIZE=10`, with the keyword already known. */
export function parsePath(text: string, keyword: 'FROM' | 'TO'): PathArgument | undefined {
  const match = /^(\w+):\s*<(?:@[^:>]*:)?([^<>]*)>(.*)$/u.exec(text)
  if (match === null || match[1]?.toUpperCase() !== keyword) return undefined
  const words = (match[3] ?? '').split(' ').filter((word) => word !== '')
  const parameters = words.map((word) => {
    const [name = '', ...value] = word.split('=')
    return [name.toUpperCase(), value.join('=')] as const
  })
  return { address: match[2] ?? '', parameters: new Map(parameters) }
}
