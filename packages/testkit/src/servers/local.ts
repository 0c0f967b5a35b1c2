import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { isLinux, scripts } from './available.ts'
import type { ServerProcess } from './driver.ts'

const orderlyEndMs = 10_000
const keptOutput = 8_192
const nobodyListens = (): void => {}

/** Runs a script of test/servers as a child process, in a process group of its own. */
export function localProcess(script: string, environment: Readonly<Record<string, string>>): ServerProcess {
  let child: ChildProcess | undefined
  let closed: Promise<void> = Promise.resolve()
  let output = ''
  let expected = false
  let crash: (error: Error) => void = nobodyListens
  let crashed = new Promise<never>(() => {})

  const signal = (to: 'child' | 'group', name: NodeJS.Signals): void => {
    if (child?.pid === undefined) return
    try {
      process.kill(to === 'group' ? -child.pid : child.pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  const killAtExit = (): void => signal('group', 'SIGKILL')

  return {
    get crashed() {
      return crashed
    },
    async start() {
      expected = false
      output = ''
      crashed = new Promise<never>((_, reject) => {
        crash = reject
      })
      crashed.catch(nobodyListens) // Told again by end(), whoever listens here.
      const command = ['bash', join(scripts, script)]
      // The kernel ends the server with this process, even when that is killed and no exit handler runs.
      if (isLinux) command.unshift('setpriv', '--pdeathsig', 'KILL')
      const started = spawn(command[0] ?? '', command.slice(1), {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...environment },
      })
      child = started
      const keep = (data: Buffer): void => {
        output = (output + data.toString()).slice(-keptOutput)
      }
      started.stdout.on('data', keep)
      started.stderr.on('data', keep)
      process.once('exit', killAtExit)
      // 'close' comes when the last process that holds the output has ended, so nobody still writes to the state.
      closed = new Promise((resolve) => {
        const done = (why: string): void => {
          process.removeListener('exit', killAtExit)
          child = undefined
          if (!expected) crash(new Error(`${script} ended by itself (${why}). It last said:\n${output}`))
          resolve()
        }
        started.once('close', (code, signalName) => done(signalName ?? `exit code ${code}`))
        started.once('error', (error) => done(error.message))
      })
    },
    async end() {
      if (child === undefined) await crashed
      expected = true
      signal('child', 'SIGTERM')
      const timer = setTimeout(() => signal('group', 'SIGKILL'), orderlyEndMs)
      await closed
      clearTimeout(timer)
    },
    async kill() {
      expected = true
      signal('group', 'SIGKILL')
      await closed
    },
    async clean() {},
  }
}
