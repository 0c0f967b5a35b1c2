import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Typed as soon as the program shows `sees`, counted from what was typed before. */
interface Typed {
  readonly sees: string
  readonly keys: string
}

export interface ProgramOptions {
  /** Where it finds its own files, and nobody else's. */
  readonly home: string
  readonly typed?: readonly Typed[]
}

/** A program that waits for what will never come must not hold up the tests. */
const patienceMs = 30_000

/** @throws with all that it said, unless it ends by itself with 0 */
export async function runProgram(command: readonly string[], { home, typed = [] }: ProgramOptions): Promise<string> {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], HOME: home, TERM: 'xterm', LANG: 'C.UTF-8' },
  })
  let said = ''
  let seenUpTo = 0
  const waiting = [...typed]
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString('utf8')
    if (waiting[0] === undefined || !said.includes(waiting[0].sees, seenUpTo)) return
    seenUpTo = said.length
    child.stdin.write(waiting.shift()?.keys ?? '')
  })
  child.stderr.on('data', (data: Buffer) => void (said += data.toString('utf8')))
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  if (code !== 0) throw new Error(`${program} ended with ${signal ?? code}, and had said:\n${said}`)
  return said
}
