import type { Dice } from './dice.ts'

/** What becomes of one command on its way to the server and back. */
type CommandFate =
  | { readonly kind: 'pass' }
  /** The connection ends before the server has it, or in the middle of it: not carried out. */
  | { readonly kind: 'cut-before' }
  /** It is carried out, and the connection ends before the answer. */
  | { readonly kind: 'cut-after' }
  /** Nothing comes back; the client gives up after its time-out. */
  | { readonly kind: 'silence'; readonly carriedOut: boolean }
  /** The connection ends, and the server carries it out all the same, long after the client has given up. */
  | { readonly kind: 'late'; readonly lateMs: number }
  /** The server refuses. */
  | { readonly kind: 'answer'; readonly status: 'NO' | 'BAD'; readonly text: string }
  /** The server says OK and does nothing, as some do to a STORE right after an APPEND. */
  | { readonly kind: 'pretend' }
  /** `* BAD`, and the connection ends: jstedfast/MailKit#1493. */
  | { readonly kind: 'untagged-bad' }

export interface Network {
  readonly up: boolean
  setUp(up: boolean): void
  onChange(listener: (up: boolean) => void): void
  /** From now on nothing goes wrong. */
  heal(): void
  /** A script may put its own in this place. */
  fateOf: (verb: string) => CommandFate
  /** A new connection is refused. */
  refuses(): boolean
  latencyMs(): number
  /** How often something went wrong: a command met a fault, an answer took seconds, the network went or came. */
  readonly disturbances: number
  /** A process died with this command on its way: did the server get it? */
  deliversFromTheDead(): boolean
}

export interface NetworkPlan {
  /** How often a command meets a fault. */
  readonly faultRate: number
  /** How often an answer takes seconds. */
  readonly slowRate: number
}

const refusals = [
  'NO [UNAVAILABLE] Later',
  'NO [OVERQUOTA] Full',
  'NO [INUSE] Busy',
  'NO Refused',
  'BAD Not understood',
] as const

const pretendable: ReadonlySet<string> = new Set(['APPEND', 'UID STORE', 'UID EXPUNGE', 'EXPUNGE'])

export function createNetwork(plan: NetworkPlan, dice: Dice): Network {
  const listeners: ((up: boolean) => void)[] = []
  let up = true
  let healed = false
  let disturbances = 0

  return {
    get disturbances() {
      return disturbances
    },
    get up() {
      return up
    },
    setUp(next) {
      if (up === next || healed) return
      up = next
      disturbances += 1
      for (const listener of listeners) listener(up)
    },
    onChange: (listener) => void listeners.push(listener),
    heal() {
      this.setUp(true)
      healed = true
    },
    fateOf(verb) {
      // LOGOUT has no answer that matters.
      if (healed || verb === 'LOGOUT' || !dice.chance(plan.faultRate)) return { kind: 'pass' }
      disturbances += 1
      const luck = dice.next()
      if (luck < 0.2) return { kind: 'cut-before' }
      if (luck < 0.5) return { kind: 'cut-after' }
      if (luck < 0.65) return { kind: 'silence', carriedOut: dice.chance(0.5) }
      if (luck < 0.8) return { kind: 'late', lateMs: dice.between(10, 90_000) }
      if (luck < 0.86 && pretendable.has(verb)) return { kind: 'pretend' }
      if (luck < 0.95) {
        const [status = 'NO', ...words] = dice.pick(refusals).split(' ')
        return { kind: 'answer', status: status === 'BAD' ? 'BAD' : 'NO', text: words.join(' ') }
      }
      return { kind: 'untagged-bad' }
    },
    refuses: () => !up || (!healed && dice.chance(plan.faultRate)),
    latencyMs() {
      if (healed || !dice.chance(plan.slowRate)) return dice.between(1, 60)
      disturbances += 1
      return dice.between(1_000, 20_000)
    },
    deliversFromTheDead: () => dice.chance(0.5),
  }
}
