import { byteString, concatBytes, CR, LF } from '../octets.ts'

/** A command as it came: text between literals, and the literals. Text is a byte string without the `{n}` and the CRLF. */
export type CommandPart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'literal'
      readonly bytes: Uint8Array
      /** It came as `~{n}`: it may have NULs in it (RFC 3516 §4.4). */
      readonly literal8: boolean
    }

export type LiteralAnnouncement = {
  readonly sizeBytes: number
  /** `{n+}`: the octets follow whether we want them or not (RFC 7888). */
  readonly nonSynchronizing: boolean
  /** `~{n}` (RFC 3516 §4.4). */
  readonly literal8: boolean
  /** What of the command has been read so far. */
  readonly before: readonly CommandPart[]
}

export type LiteralDecision =
  | { readonly kind: 'accept' }
  /** Answers instead of asking for the octets. If they come unasked, they are skipped along with the rest of the command. */
  | { readonly kind: 'refuse'; readonly answer: () => void }
  | { readonly kind: 'hang-up'; readonly answer: () => void }

export type CommandReaderPort = {
  /** Something like `+ OK`. */
  continueLiteral(): void
  decideLiteral(announcement: LiteralAnnouncement): LiteralDecision
  onCommand(parts: readonly CommandPart[]): void
  onLineTooLong(): void
}

/** Longer lines are no command (RFC 7162 §4 asks for 8,192; long UID sets and header lists need more). */
const MAX_LINE_BYTES = 64 * 1024

const literalAtEnd = /(~?)\{(\d{1,15})(\+?)\}$/u

/**
 * Cuts the octets of a connection into commands (RFC 3501 §2.2.1, §4.3). Pieces are collected and joined once per line or
 * literal, so that the work is linear however finely the network cuts them.
 */
export type CommandReader = {
  receive(bytes: Uint8Array): void
  /** Nothing that comes later is read. */
  stop(): void
  /** The command whose literal has been asked for and has not come in whole: with as much of it as has. */
  unfinishedLiteral(): readonly CommandPart[] | undefined
}

export function createCommandReader(port: CommandReaderPort): CommandReader {
  let parts: CommandPart[] = []
  let linePieces: Uint8Array[] = []
  let lineLength = 0
  let literalPieces: Uint8Array[] = []
  let literalMissing = 0
  let literal8 = false
  let inLiteral = false
  let refusal: (() => void) | undefined
  let stopped = false

  function endCommand(): void {
    const command = parts
    const answer = refusal
    parts = []
    refusal = undefined
    if (answer === undefined) port.onCommand(command)
    else answer()
  }

  function endLine(line: Uint8Array): void {
    const text = byteString(line)
    const announced = literalAtEnd.exec(text)
    if (announced === null) {
      parts.push({ kind: 'text', text })
      endCommand()
      return
    }
    literal8 = announced[1] === '~'
    const sizeBytes = Number(announced[2])
    const nonSynchronizing = announced[3] === '+'
    parts.push({ kind: 'text', text: text.slice(0, announced.index) })
    if (refusal === undefined) {
      const decision = port.decideLiteral({ sizeBytes, nonSynchronizing, literal8, before: parts })
      switch (decision.kind) {
        case 'accept':
          if (!nonSynchronizing) port.continueLiteral()
          break
        case 'refuse':
          refusal = decision.answer
          break
        case 'hang-up':
          stopped = true
          decision.answer()
          return
      }
    }
    if (refusal !== undefined && !nonSynchronizing) {
      // The client waits for us before the octets: our answer ends the command here.
      endCommand()
      return
    }
    inLiteral = true
    literalMissing = sizeBytes
    literalPieces = []
    if (sizeBytes === 0) endLiteral()
  }

  function endLiteral(): void {
    inLiteral = false
    parts.push({ kind: 'literal', bytes: concatBytes(literalPieces), literal8 })
    literalPieces = []
  }

  /** Returns how many octets it has used. */
  function takeLiteral(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, literalMissing)
    // A copy: the caller may use its buffer again.
    if (refusal === undefined) literalPieces.push(taken.slice())
    literalMissing -= taken.length
    if (literalMissing === 0) endLiteral()
    return taken.length
  }

  function takeLine(bytes: Uint8Array): number {
    const newline = bytes.indexOf(LF)
    const taken = newline === -1 ? bytes : bytes.subarray(0, newline + 1)
    lineLength += taken.length
    if (lineLength > MAX_LINE_BYTES) {
      stopped = true
      port.onLineTooLong()
      return bytes.length
    }
    linePieces.push(taken.slice())
    if (newline === -1) return taken.length
    const line = concatBytes(linePieces)
    linePieces = []
    lineLength = 0
    // A bare LF ends a line too, as on the servers we compare with.
    endLine(line.subarray(0, line.at(-2) === CR ? -2 : -1))
    return taken.length
  }

  return {
    receive: (bytes) => {
      let rest = bytes
      while (rest.length > 0 && !stopped) {
        rest = rest.subarray(inLiteral ? takeLiteral(rest) : takeLine(rest))
      }
    },
    stop: () => {
      stopped = true
    },
    unfinishedLiteral: () => {
      if (stopped || !inLiteral || refusal !== undefined) return undefined
      return [...parts, { kind: 'literal', bytes: concatBytes(literalPieces), literal8 }]
    },
  }
}
