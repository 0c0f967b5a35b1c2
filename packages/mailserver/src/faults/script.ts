import { MailServerOptionError } from '../capabilities.ts'
import {
  isBytesRule,
  isCommandRule,
  isConnectRule,
  type CommandAction,
  type CutBy,
  type FaultRule,
  type SessionProtocol,
} from './rules.ts'
import type { CommandSighting } from './session-port.ts'

/** A rule that was added, and what became of it. */
export type Fault = {
  readonly rule: FaultRule
  readonly fired: boolean
  readonly firedCount: number
  remove(): void
}

export type BytesVerdict = {
  /** So many of the octets still pass. */
  readonly pass: number
  readonly cut: CutBy | undefined
}

/** The script's eye on one connection. */
export type ConnectionFaults = {
  readonly refused: boolean
  onCommand(command: CommandSighting): CommandAction | undefined
  onBytes(direction: 'client-to-server' | 'server-to-client', count: number): BytesVerdict
}

/**
 * Decides, without doing anything itself, what goes wrong and when. It sees connections, commands and octets in the order
 * in which they come and nothing else, so the same run meets the same faults.
 */
export type FaultScript = {
  add(rule: FaultRule): Fault
  /** Rules that have been added and not removed. */
  readonly faults: readonly Fault[]
  clear(): void
  connect(protocol: SessionProtocol): ConnectionFaults
}

type Armed = {
  readonly fault: Fault
  readonly rule: FaultRule
  matches: number
  fire(): void
}

function refuse(field: string, problem: string): never {
  throw new MailServerOptionError(field, problem)
}

const listens = (protocol: SessionProtocol, rule: FaultRule): boolean =>
  rule.on.protocol === undefined || rule.on.protocol === protocol

function assertSensible(rule: FaultRule): void {
  if (isCommandRule(rule)) {
    const { verb, nth = 1, at = 'command' } = rule.on
    if (verb !== verb.toUpperCase() || verb === '') refuse('fault.on.verb', `"${verb}" is not a verb in upper case`)
    if (!Number.isInteger(nth) || nth < 1) refuse('fault.on.nth', `${nth} is not a count from 1`)
    if (at === 'literal' && rule.do.kind !== 'answer' && rule.do.kind !== 'untagged-bad' && rule.do.kind !== 'cut') {
      refuse('fault.do', `${rule.do.kind} needs the whole command; at: 'literal' is for answers and cuts`)
    }
  }
  if (isBytesRule(rule) && (!Number.isInteger(rule.on.bytes) || rule.on.bytes < 0)) {
    refuse('fault.on.bytes', `${rule.on.bytes} is not a number of octets`)
  }
}

export function createFaultScript(): FaultScript {
  let armed: Armed[] = []

  function add(rule: FaultRule): Fault {
    assertSensible(rule)
    let firedCount = 0
    const fault: Fault = {
      rule,
      get fired() {
        return firedCount > 0
      },
      get firedCount() {
        return firedCount
      },
      remove: () => {
        armed = armed.filter((each) => each !== entry)
      },
    }
    const entry: Armed = { fault, rule, matches: 0, fire: () => void firedCount++ }
    armed.push(entry)
    return fault
  }

  function onCommand(protocol: SessionProtocol, command: CommandSighting): CommandAction | undefined {
    let action: CommandAction | undefined
    for (const entry of armed) {
      const { rule } = entry
      if (!isCommandRule(rule) || !listens(protocol, rule)) continue
      const { verb, nth = 1, times = 1, at = 'command', minLiteralBytes = 0 } = rule.on
      const named = verb === '*' || verb === command.verb || `UID ${verb}` === command.verb
      if (!named || at !== command.at || command.literalBytes < minLiteralBytes) continue
      entry.matches++
      const last = times === 'always' ? Number.POSITIVE_INFINITY : nth + times - 1
      // One fault per command, but every rule counts every match: rules do not shift each other's turn.
      if (action !== undefined || entry.matches < nth || entry.matches > last) continue
      entry.fire()
      action = rule.do
    }
    return action
  }

  function connect(protocol: SessionProtocol): ConnectionFaults {
    let refused = false
    for (const entry of armed) {
      const { rule } = entry
      if (!isConnectRule(rule) || !listens(protocol, rule)) continue
      if (rule.on.connect === 'next' && entry.fault.fired) continue
      refused = true
      entry.fire()
    }
    const passed = new Map<Armed, number>()
    return {
      refused,
      onCommand: (command) => onCommand(protocol, command),
      onBytes: (direction, count) => {
        let verdict: BytesVerdict = { pass: count, cut: undefined }
        for (const entry of armed) {
          const { rule } = entry
          if (!isBytesRule(rule) || !listens(protocol, rule) || rule.on.direction !== direction) continue
          if (entry.fault.fired) continue
          const before = passed.get(entry) ?? 0
          passed.set(entry, before + count)
          const left = rule.on.bytes - before
          if (left > count) continue
          if (left <= verdict.pass) {
            entry.fire()
            verdict = { pass: left, cut: rule.do.by ?? 'fin' }
          }
        }
        return verdict
      },
    }
  }

  return {
    add,
    connect,
    get faults() {
      return armed.map(({ fault }) => fault)
    },
    clear: () => {
      armed = []
    },
  }
}
