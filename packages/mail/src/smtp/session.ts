import {
  type CommitOptions,
  type CommitOutcome,
  type OpenOutcome,
  type RecipientResult,
  type SubmissionBody,
  type SubmissionCapabilities,
  type SubmissionEnvelope,
  type SubmissionPiece,
  type SubmissionSession,
  TransmissionError,
  type TransmissionPhase,
  type WireBytes,
  WireError,
} from '@everdraft/core'

import { connectionLost } from '../imap/wire-failure.ts'
import type { SmtpDialogue } from './dialogue.ts'
import { createDotStuffer } from './dot-stuffing.ts'
import { planEnvelope } from './envelope.ts'
import { readProviderId } from './provider-id.ts'
import { closing, kindOf, type Reply, toSubmissionReply } from './reply.ts'

const quitWaitMs = 1000
// With the dot it is one packet. More must be on its way before the mark is made: what is lost of it was never in doubt.
const heldBackBytes = 1200

export interface SmtpSessionParts {
  readonly dialogue: SmtpDialogue
  readonly capabilities: SubmissionCapabilities
  readonly finalReplyTimeoutMs: number
  bytes(): WireBytes
}

/** The submission port on an authenticated connection. */
export class SmtpSession implements SubmissionSession {
  readonly capabilities: SubmissionCapabilities
  readonly #dialogue: SmtpDialogue
  readonly #parts: SmtpSessionParts
  /** `open`: recipients were accepted. `stale`: the server may think that a transaction is open. */
  #transaction: 'none' | 'open' | 'stale' = 'none'

  constructor(parts: SmtpSessionParts) {
    this.capabilities = parts.capabilities
    this.#dialogue = parts.dialogue
    this.#parts = parts
  }

  get alive(): boolean {
    return this.#dialogue.alive
  }

  bytes(): WireBytes {
    return this.#parts.bytes()
  }

  async open(envelope: SubmissionEnvelope): Promise<OpenOutcome> {
    if (this.#transaction === 'open') throw new TypeError('A transaction is open already')
    const plan = planEnvelope(envelope, this.capabilities)
    if (plan.kind !== 'lines') return plan
    return this.#guarded('before-dot', async () => {
      if (this.#transaction === 'stale') await this.#rset()
      this.#transaction = 'stale'
      const [mail, ...rcpt] = await this.#converse([plan.mail, ...plan.recipients])
      if (mail === undefined) throw connectionLost(this.#dialogue.peer)
      const sender = this.#verdict(mail)
      if (sender !== 'accepted') return { kind: sender, reply: toSubmissionReply(mail) }

      // After a 421 nobody can be served in this session, whatever was said before (RFC 5321 §3.8).
      const last = rcpt.at(-1)
      const farewell = last?.code === closing ? last : null
      const recipients = envelope.recipients.map((address, index): RecipientResult => {
        const reply = farewell ?? rcpt[index]
        if (reply === undefined) throw connectionLost(this.#dialogue.peer)
        return { address, kind: this.#recipientVerdict(reply), reply: toSubmissionReply(reply) }
      })
      if (!recipients.some(({ kind }) => kind === 'accepted')) return { kind: 'no-recipients', recipients }
      this.#transaction = 'open'
      return { kind: 'ready', recipients }
    })
  }

  async commit(body: SubmissionBody, { beforeFinalDot }: CommitOptions): Promise<CommitOutcome> {
    if (this.#transaction !== 'open') throw new TypeError('No transaction is open')
    if (body.kind === 'pieces') this.#checkPieces(body.pieces)
    this.#transaction = 'stale'
    return body.kind === 'pieces' ? this.#pieces(body.pieces, beforeFinalDot) : this.#data(body, beforeFinalDot)
  }

  async reset(): Promise<void> {
    await this.#guarded('before-dot', async () => this.#rset())
  }

  async close(): Promise<void> {
    if (!this.alive) return
    try {
      this.#dialogue.send('QUIT')
      await this.#dialogue.reply(quitWaitMs)
    } catch {
      // It is over either way.
    }
    this.#dialogue.die(connectionLost(this.#dialogue.peer))
  }

  #checkPieces(pieces: readonly SubmissionPiece[]): void {
    const { burl, chunking } = this.capabilities
    if (!burl || !chunking) throw new TypeError('This server takes no mail in pieces (BURL, CHUNKING)')
    const isPlain = pieces.every((piece) => piece.kind === 'bytes' || /^[\x21-\x7e]+$/.test(piece.url))
    if (!isPlain) throw new TypeError('A URL must be printable ASCII')
  }

  /** RFC 3030 §2, RFC 4468 §3.3. Each is answered before the next, so that the server has what it said it has when the mark is made. */
  async #pieces(
    pieces: readonly SubmissionPiece[],
    beforeFinalDot: CommitOptions['beforeFinalDot'],
  ): Promise<CommitOutcome> {
    for (const piece of pieces) {
      const reply = piece.kind === 'bytes' ? await this.#chunk(piece) : await this.#fetched(piece)
      if (piece.kind === 'url' && (kindOf(reply) !== 'positive' || !isOfSize(reply, piece.size))) {
        return { kind: 'not-fetched' }
      }
      const verdict = await this.#guarded('before-dot', async () => this.#verdict(reply))
      if (verdict !== 'accepted') return { kind: verdict, reply: toSubmissionReply(reply) }
    }
    await this.#held(beforeFinalDot)
    return this.#guarded('after-dot', async () => {
      this.#dialogue.send('BDAT 0 LAST')
      return this.#outcome(await this.#dialogue.reply(this.#parts.finalReplyTimeoutMs))
    })
  }

  async #fetched({ url }: Extract<SubmissionPiece, { readonly kind: 'url' }>): Promise<Reply> {
    return this.#guarded('before-dot', async () => {
      this.#dialogue.send(`BURL ${url}`)
      // It may have to fetch megabytes from somewhere.
      return this.#dialogue.reply(this.#parts.finalReplyTimeoutMs)
    })
  }

  async #chunk(piece: Extract<SubmissionPiece, { readonly kind: 'bytes' }>): Promise<Reply> {
    const { size } = piece
    await this.#guarded('before-dot', async () => this.#dialogue.send(`BDAT ${size}`))
    try {
      let left = size
      for await (const bytes of piece.open()) {
        left -= bytes.length
        if (left < 0) throw new RangeError(`A piece yields more than the ${size} bytes it announced`)
        await this.#write(bytes)
      }
      if (left > 0) throw new RangeError(`A piece yields ${size - left} bytes instead of ${size}`)
    } catch (error) {
      // The server waits for the rest, and no command can take the piece back.
      this.#dialogue.die(connectionLost(this.#dialogue.peer))
      throw error
    }
    return this.#guarded('before-dot', async () => this.#dialogue.reply())
  }

  async #data(
    body: Extract<SubmissionBody, { readonly kind: 'bytes' }>,
    beforeFinalDot: CommitOptions['beforeFinalDot'],
  ): Promise<CommitOutcome> {
    const invitation = await this.#guarded('before-dot', async () => {
      this.#dialogue.send('DATA')
      return this.#dialogue.reply()
    })
    const verdict = kindOf(invitation)
    if (verdict === 'refused' || verdict === 'temporary') {
      return { kind: verdict, reply: toSubmissionReply(invitation) }
    }
    if (invitation.code !== 354) return this.#guarded('before-dot', async () => this.#confused(invitation))

    const stuffer = createDotStuffer()
    // What is small goes with the dot: a packet, and a wake-up of the server, less.
    let last: Uint8Array = new Uint8Array()
    this.#dialogue.owe()
    try {
      for await (const piece of body.open()) {
        const early = await this.#earlyAnswer()
        if (early !== null) return early
        await this.#write(last)
        last = stuffer.stuff(piece)
      }
      if (last.length > heldBackBytes) {
        await this.#write(last)
        last = new Uint8Array()
      }
    } catch (error) {
      // Who refuses in the middle may hang up at once.
      const early = error instanceof TransmissionError ? await this.#earlyAnswer() : null
      if (early !== null) return early
      // A source that fails, too, leaves half a message that no command can take back.
      this.#dialogue.die(connectionLost(this.#dialogue.peer))
      throw error
    }
    const early = await this.#earlyAnswer()
    if (early !== null) return early
    await this.#held(beforeFinalDot)
    const late = await this.#earlyAnswer()
    if (late !== null) return late
    return this.#guarded('after-dot', async () => {
      this.#dialogue.finish(Buffer.concat([last, stuffer.end()]))
      return this.#outcome(await this.#dialogue.reply(this.#parts.finalReplyTimeoutMs))
    })
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#guarded('before-dot', async () => this.#dialogue.write(bytes))
  }

  /** The mark is made, or the connection ends before the dot. */
  async #held(beforeFinalDot: CommitOptions['beforeFinalDot']): Promise<void> {
    try {
      await beforeFinalDot()
    } catch (error) {
      this.#dialogue.die(connectionLost(this.#dialogue.peer))
      throw error
    }
    await this.#guarded('before-dot', async () => {
      if (!this.alive && !this.#dialogue.hasReply) throw connectionLost(this.#dialogue.peer)
    })
  }

  /** Some servers refuse in the middle of the message. There is no way on from there but the end. */
  async #earlyAnswer(): Promise<CommitOutcome | null> {
    if (!this.#dialogue.hasReply) return null
    return this.#guarded('before-dot', async () => {
      const reply = await this.#dialogue.reply()
      this.#dialogue.die(connectionLost(this.#dialogue.peer))
      const kind = kindOf(reply)
      if (kind !== 'refused' && kind !== 'temporary') return this.#confused(reply)
      return { kind, reply: toSubmissionReply(reply) }
    })
  }

  #outcome(reply: Reply): CommitOutcome {
    const kind = this.#verdict(reply)
    const said = toSubmissionReply(reply)
    if (kind !== 'accepted') return { kind, reply: said }
    this.#transaction = 'none'
    return { kind, reply: said, ...readProviderId(said) }
  }

  async #rset(): Promise<void> {
    this.#dialogue.send('RSET')
    const reply = await this.#dialogue.reply()
    if (kindOf(reply) !== 'positive') this.#confused(reply)
    this.#transaction = 'none'
  }

  /** The replies in order; none where a refused MAIL made asking on pointless; a 421 is the last one. */
  async #converse(commands: readonly string[]): Promise<readonly Reply[]> {
    const replies: Reply[] = []
    if (this.capabilities.pipelining) this.#dialogue.send(...commands)
    for (const command of commands) {
      if (!this.capabilities.pipelining) this.#dialogue.send(command)
      const reply = await this.#dialogue.reply()
      replies.push(reply)
      if (reply.code === closing) return replies
      const isOver = replies.length === 1 && kindOf(reply) !== 'positive'
      if (isOver && !this.capabilities.pipelining) return replies
    }
    return replies
  }

  #recipientVerdict(reply: Reply): RecipientResult['kind'] {
    // RFC 5321 §4.5.3.1.10: "too many recipients" was 552 once, and means that the rest may go in another transaction.
    if (reply.code === 552 && /too many|5\.5\.3/i.test(reply.lines.join(' '))) return 'temporary'
    return this.#verdict(reply)
  }

  #verdict(reply: Reply): 'accepted' | 'refused' | 'temporary' {
    const kind = kindOf(reply)
    if (kind === 'positive') return 'accepted'
    if (kind === 'refused' || kind === 'temporary') return kind
    return this.#confused(reply)
  }

  /** We and the server no longer speak of the same thing. */
  #confused(reply: Reply): never {
    const error = new WireError('REFUSED', `${this.#dialogue.peer} answers out of turn (${reply.code})`)
    this.#dialogue.die(error)
    throw error
  }

  async #guarded<T>(phase: TransmissionPhase, act: () => Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof WireError) || error instanceof TransmissionError) throw error
      throw new TransmissionError(error.code, error.message, phase, { cause: error })
    }
  }
}

/** Some servers say how much they have got: those that find no such part say 0, and 250. */
function isOfSize({ lines }: Reply, size: number): boolean {
  const said = /\b(\d+) (?:octets|bytes)\b/i.exec(lines.join(' '))?.[1]
  return said === undefined || Number(said) === size
}
