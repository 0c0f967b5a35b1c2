import { refusalBeforeLiteral } from './commands/append.ts'
import type { SessionContext } from './context.ts'
import type { LiteralAnnouncement, LiteralDecision } from './command-reader.ts'
import { ImapSyntaxError, type Scanner } from './scanner.ts'

/** Literals of commands that carry no message. */
const MAX_ARGUMENT_BYTES = 64 * 1024
/** RFC 7888 §5. */
const MAX_LITERAL_MINUS_BYTES = 4096

type Announced = {
  readonly tag: string
  readonly verb: string
  readonly uid: boolean
  readonly args: Scanner
  readonly context: SessionContext
  send(line: string): void
  hangUp(farewell: string): void
}

/** Whether octets are wanted, decided before they come: a message that would be refused need not be sent. */
export function decideLiteral(announcement: LiteralAnnouncement, announced: Announced): LiteralDecision {
  const { sizeBytes, nonSynchronizing, literal8, before } = announcement
  const { context, tag, verb, args } = announced
  const { capabilities, appendLimitBytes } = context
  const refuse = (line: string): LiteralDecision => ({
    kind: 'refuse',
    answer: () => announced.send(`${tag} ${line}\r\n`),
  })

  if (nonSynchronizing) {
    const minus = capabilities.has('LITERAL-')
    if (!minus && !capabilities.has('LITERAL+')) {
      // The octets come anyhow, and must not be taken for commands.
      return { kind: 'hang-up', answer: () => announced.hangUp('Non-synchronizing literals are not supported') }
    }
    if (minus && sizeBytes > MAX_LITERAL_MINUS_BYTES) {
      return { kind: 'hang-up', answer: () => announced.hangUp('[TOOBIG] Non-synchronizing literal too large') }
    }
  }

  const storing = verb === 'APPEND' || (verb === 'REPLACE' && capabilities.has('REPLACE'))
  if (literal8 && !(storing && capabilities.has('BINARY'))) return refuse('BAD A literal8 is not allowed here')
  if (!storing) {
    return sizeBytes > MAX_ARGUMENT_BYTES ? refuse('BAD Literal too large') : { kind: 'accept' }
  }
  if (context.user === undefined) return refuse('BAD Please log in first')
  const total = before.reduce((sum, part) => sum + (part.kind === 'literal' ? part.bytes.length : 0), sizeBytes)
  if (appendLimitBytes !== undefined && total > appendLimitBytes) {
    return refuse(`NO [TOOBIG] Message is larger than ${appendLimitBytes} octets`)
  }
  try {
    args.space()
    const refusal = refusalBeforeLiteral(context, args, { replaces: verb === 'REPLACE', uid: announced.uid })
    if (refusal === undefined || refusal.kind === 'ask') return { kind: 'accept' }
    const code = refusal.code === undefined ? '' : `[${refusal.code}] `
    return refuse(`${refusal.status} ${code}${refusal.text}`)
  } catch (error) {
    if (error instanceof ImapSyntaxError) return refuse(`${error.status} ${error.message}`)
    throw error
  }
}
