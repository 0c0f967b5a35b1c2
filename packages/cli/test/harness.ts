import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { format } from 'node:util'

import { createMailServer, type MailServer, type MailServerOptions } from '@everdraft/mailserver'
import { onTestFinished } from 'vitest'

import { main } from '../src/main.ts'

const mainPath = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly env?: Record<string, string>
  readonly stdin?: string
}

function environmentOf({ env }: Options): Record<string, string> {
  return { ...bareEnvironment(), TMPDIR: tmpdir(), ...env }
}

/** Of the person who runs the tests nothing; what Node compiled for one process serves the next. */
export function bareEnvironment(): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
  return { PATH, NODE_COMPILE_CACHE, HOME: '/nonexistent' }
}

/** A child process of the command line whose end or output can be waited for. */
interface Running {
  readonly ended: Promise<Ended>
  /** Resolves with the first match in standard output; rejects when the process ends without one. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>
  readonly kill: (signal: NodeJS.Signals) => void
}

export function begin(args: readonly string[], options: Options = {}): Running {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(process.execPath, [mainPath, ...args], {
    stdio: 'pipe',
    env: environmentOf(options),
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  child.stdin.end(options.stdin ?? '')
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill('SIGKILL')
    await ended
  })
  return {
    ended,
    printed: async (pattern) => {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
      const look = (): void => {
        const match = pattern.exec(output.stdout)
        if (match !== null) resolve(match)
      }
      child.stdout.on('data', look)
      look()
      void ended.then(() => reject(new Error(`ended without ${String(pattern)}:\n${output.stdout}\n${output.stderr}`)))
      return promise
    },
    kill: (signal) => child.kill(signal),
  }
}

let last: Promise<unknown> = Promise.resolve()

/** The command line in this process, one command after the other: a process of its own takes a second to begin. */
export async function everdraft(args: readonly string[], options: Options = {}): Promise<Ended> {
  const ended = last.then(async () => runHere(args, options))
  last = ended.catch(() => {})
  return await ended
}

async function runHere(args: readonly string[], options: Options): Promise<Ended> {
  const { env } = process
  const { error } = console
  const output = { stdout: '', stderr: '' }
  const streams = (['stdout', 'stderr'] as const).map((name) => ({
    name,
    write: Object.getOwnPropertyDescriptor(process[name], 'write'),
  }))
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!
  try {
    process.env = environmentOf(options)
    for (const { name } of streams) {
      process[name].write = (text: string | Uint8Array): boolean => {
        output[name] += String(text)
        return true
      }
    }
    console.error = (...values) => (output.stderr += `${format(...values)}\n`)
    Object.defineProperty(process, 'stdin', { ...stdin, get: () => Readable.from([options.stdin ?? '']) })
    return { code: await main(args), ...output }
  } finally {
    process.env = env
    for (const { name, write } of streams) {
      // It is a method of all streams, unless somebody gave this one its own.
      if (write === undefined) Reflect.deleteProperty(process[name], 'write')
      else Object.defineProperty(process[name], 'write', write)
    }
    console.error = error
    Object.defineProperty(process, 'stdin', stdin)
  }
}

export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'everdraft-cli-test-'))
  onTestFinished(async () => rm(path, { recursive: true, force: true }))
  return path
}

export const mailUser = { name: 'ann@example.org', password: 'p@ss:w/rd' }

export async function startMailServer(quirks: MailServerOptions['quirks'] = {}): Promise<MailServer> {
  const server = createMailServer({ users: [mailUser], quirks })
  await server.listen()
  onTestFinished(async () => server.close())
  return server
}
