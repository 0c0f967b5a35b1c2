import { connectRaw } from '@everdraft/testkit'
import type { LiteralToSend, RawImap } from '@everdraft/testkit'
import { bridgeTo } from './compressing-bridge.ts'
import { factsOf } from './facts.ts'
import type { Facts } from './facts.ts'
import type { Script, Speaker, Step } from './script.ts'

/** A mailbox that nobody has touched, on one of the servers. */
export interface Mailbox {
  readonly port: number
  readonly user: string
  readonly password: string
}

/** Plays the script and returns what could be seen after each of its steps. */
export async function play(script: Script, mailbox: Mailbox): Promise<readonly Facts[]> {
  const bridge = script.compressible === true ? await bridgeTo(mailbox.port) : undefined
  const connect = async (): Promise<RawImap> => {
    const imap = await connectRaw({ port: bridge?.port ?? mailbox.port })
    await imap.login(mailbox)
    return imap
  }
  const connections: Record<Speaker, RawImap> = { a: await connect(), b: await connect() }
  const idling = new Map<Speaker, { done(): Promise<unknown> }>()
  const seen: Facts[] = []
  const remembered = new Map<string, string>()
  try {
    for (const step of script.steps) {
      const imap = connections[step.by]
      if ('send' in step) {
        seen.push(factsOf(await imap.command(...(await filledIn(step.send, imap, remembered)))))
      } else if ('remember' in step) {
        remembered.set(step.remember, await highestModseq(imap, step.folder))
        seen.push({})
      } else if ('idle' in step) {
        if (step.idle === 'start') idling.set(step.by, await imap.idle())
        else await idling.get(step.by)?.done()
        seen.push({})
      } else {
        seen.push({ pushed: (await pushed(imap, step.pushed)) ? 'yes' : 'no' })
      }
    }
  } finally {
    connections.a.close()
    connections.b.close()
    await bridge?.close()
  }
  return seen
}

/** On a busy machine servers take their time; what was given up on is not read again. */
const pushTimeoutMs = 20_000

async function pushed(imap: RawImap, wanted: RegExp): Promise<boolean> {
  const late = Promise.withResolvers<null>()
  const timer = setTimeout(() => late.resolve(null), pushTimeoutMs)
  try {
    for (;;) {
      const line = await Promise.race([imap.nextLine(), late.promise])
      if (line === null) return false
      if (wanted.test(line.text)) return true
    }
  } finally {
    clearTimeout(timer)
  }
}

async function highestModseq(imap: RawImap, folder: string): Promise<string> {
  const { untagged } = await imap.command(`STATUS ${folder} (HIGHESTMODSEQ)`)
  const value = /HIGHESTMODSEQ (\d+)/i.exec(untagged.map(({ text }) => text).join(' '))?.[1]
  if (value === undefined) throw new Error(`${folder} has no HIGHESTMODSEQ`)
  return value
}

/** `{V:Drafts}` is what the server says the folder's UIDVALIDITY is. */
async function filledIn(
  parts: readonly (string | LiteralToSend)[],
  imap: RawImap,
  remembered: ReadonlyMap<string, string>,
): Promise<readonly (string | LiteralToSend)[]> {
  const filled: (string | LiteralToSend)[] = []
  for (const unfilled of parts) {
    const part =
      typeof unfilled === 'string'
        ? unfilled.replaceAll(/\{M:(\w+)\}/g, (_, name: string) => remembered.get(name) ?? '0')
        : unfilled
    const folder = typeof part === 'string' ? /\{V:(\w+)\}/.exec(part)?.[1] : undefined
    if (typeof part !== 'string' || folder === undefined) {
      filled.push(part)
      continue
    }
    const { untagged } = await imap.command(`STATUS ${folder} (UIDVALIDITY)`)
    const value = /UIDVALIDITY (\d+)/i.exec(untagged.map(({ text }) => text).join(' '))?.[1] ?? '0'
    filled.push(part.replaceAll(`{V:${folder}}`, value))
  }
  return filled
}

function describeStep(step: Step): string {
  if ('idle' in step) return `IDLE ${step.idle}`
  if ('remember' in step) return `remember ${step.remember}`
  if ('pushed' in step) return `pushed: ${step.pushed.source}`
  const text = step.send.map((part) => (typeof part === 'string' ? part : `{${part.send.length} ${part.as}}`)).join('')
  return `${step.by}: ${text}`
}

export interface Deviation {
  readonly step: string
  readonly fact: string
  readonly ours: string
  readonly dovecot: string
  readonly cyrus: string
}

/** Where what ours shows is what neither of the two shows. */
export function deviations(
  script: Script,
  ours: readonly Facts[],
  dovecot: readonly Facts[],
  cyrus: readonly Facts[],
): readonly Deviation[] {
  return script.steps.flatMap((step, index) => {
    const [mine = {}, one = {}, other = {}] = [ours[index], dovecot[index], cyrus[index]]
    const names = [...new Set([...Object.keys(mine), ...Object.keys(one), ...Object.keys(other)])]
    return (
      names
        .filter((name) => !('send' in step) || step.only === undefined || step.only.test(name))
        .filter((name) => mine[name] !== one[name] && mine[name] !== other[name])
        // Why something is refused may always be said more exactly (RFC 5530, 2), and never less.
        .filter(
          (name) => name !== 'code' || mine['status'] !== 'NO' || one[name] !== undefined || other[name] !== undefined,
        )
        .map((fact) => ({
          step: describeStep(step),
          fact,
          ours: mine[fact] ?? '-',
          dovecot: one[fact] ?? '-',
          cyrus: other[fact] ?? '-',
        }))
    )
  })
}
