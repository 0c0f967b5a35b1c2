import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, test } from 'vitest'

import { bareEnvironment, everdraft, mailUser, startMailServer, temporaryFolder } from './harness.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** All that the command writes to a terminal of its own: `script` of util-linux makes one. */
async function onTerminal(args: readonly string[]): Promise<string> {
  const command = [process.execPath, main, ...args].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...bareEnvironment(), TERM: 'xterm', SHELL: '/bin/sh' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  expect({ args, code, output }).toMatchObject({ code: 0 })
  return output
}

// skipped: where there is no `script` of util-linux
describe.skipIf(process.platform !== 'linux')('on a terminal', () => {
  test('attach, sync and backup say how far they are, on a line that is gone at the end', async () => {
    const server = await startMailServer()
    const data = await temporaryFolder()
    const file = join(data, 'notes.bin')
    await writeFile(file, randomBytes(3_000_000))
    const imap = ['--imap-host', '127.0.0.1', '--imap-port', String(server.imapPort), '--imap-security', 'none']
    const login = { env: { MAIL_PASSWORD: mailUser.password } }
    await everdraft(
      ['account', 'add', '--address', mailUser.name, ...imap, '--imap-password-env', 'MAIL_PASSWORD', '--data', data],
      login,
    )
    const created = await everdraft(['draft', 'create', '--subject', 'x', '--json', '--data', data])
    const { id } = JSON.parse(created.stdout) as { readonly id: string }
    const cleared = '\r\u001b[K'
    const attached = await onTerminal(['draft', 'attach', id, file, '--data', data])
    expect(attached).toMatch(/\rattaching: [\d.]+ K?M?B of 3\.0 MB \(\d+ %\)/)
    expect(attached).toContain(`${cleared}notes.bin (3.0 MB) attached`)
    const synced = await onTerminal(['sync', '--data', data])
    expect(synced).toContain('\rsyncing')
    expect(synced.split(cleared).at(-1)).toMatch(/^\d uploaded, \d replaced/)
    const copied = await onTerminal(['backup', join(data, 'copy.db'), '--data', data])
    expect(copied).toContain('\rcopying')
    expect(copied).toContain(`${cleared}copied to `)
    const json = await onTerminal(['sync', '--json', '--data', data])
    expect(json.slice(json.lastIndexOf(cleared) + cleared.length)).toMatch(/^\{/)
  }, 120_000)
})
