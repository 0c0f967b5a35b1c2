import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

import { CommandFailure, UsageError } from './failure.ts'

/** A password is never an argument, as every user of a machine can read those. */
export interface PasswordSource {
  /** Names an environment variable. */
  readonly environmentVariable: string | undefined
  readonly prompt: string
}

/** From the variable that was named, else typed unseen, else the next line of standard input. */
export async function readPassword(source: PasswordSource): Promise<string> {
  const { environmentVariable } = source
  if (environmentVariable !== undefined) {
    const value = process.env[environmentVariable]
    if (value === undefined || value === '')
      throw new UsageError(`the environment variable ${environmentVariable} is not set`)
    return value
  }
  const password = await readLine(source.prompt)
  if (password === '') throw new CommandFailure('no password was given on standard input')
  return password
}

async function readLine(prompt: string): Promise<string> {
  const { stdin } = process
  const isTerminal = stdin.isTTY
  if (isTerminal) process.stderr.write(prompt)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: silent, terminal: isTerminal })
  const { promise, resolve } = Promise.withResolvers<string>()
  lines
    .once('line', resolve)
    .once('close', () => resolve(''))
    .once('SIGINT', () => lines.close())
  const line = await promise
  lines.close()
  if (isTerminal) process.stderr.write('\n')
  return line
}
