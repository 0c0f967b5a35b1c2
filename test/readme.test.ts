import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { expect, onTestFinished, test } from 'vitest'

const everdraft = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))

/** The example under a heading, with the addresses of this test in the place of its own. */
async function example(heading: string, replaced: readonly (readonly [string, string])[]): Promise<string> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  let code = /```(?:ts|sh)\n(?<code>[\s\S]*?)```/.exec(section)?.groups?.['code'] ?? ''
  for (const [ours, theirs] of replaced) {
    expect(code).toContain(ours)
    code = code.replace(ours, theirs)
  }
  return code
}

async function startMailServer(): Promise<MailServer> {
  const mailServer = createMailServer({ users: [{ name: 'me', password: 'secret' }] })
  await mailServer.listen()
  onTestFinished(async () => mailServer.close())
  return mailServer
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-readme-'))
  onTestFinished(async () => rm(folder, { recursive: true, force: true }))
  return folder
}

interface Ended {
  readonly code: number | null
  readonly output: string
}

/** `onOutput` hears all that was written so far. */
async function run(
  program: readonly [string, ...string[]],
  env: Record<string, string> = {},
  onOutput: (output: string, kill: () => void) => void = () => {},
): Promise<Ended> {
  const [file, ...args] = program
  // Of the person who runs the tests nothing; what Node compiled for one process serves the next.
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
  const child = spawn(file, args, {
    // From here the packages are found by their names.
    cwd: new URL('.', import.meta.url),
    env: { PATH, NODE_COMPILE_CACHE, HOME: '/nonexistent', TMPDIR: tmpdir(), ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      onOutput(output, () => child.kill('SIGTERM'))
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

async function runModule(code: string, env: Record<string, string> = {}): Promise<Ended> {
  return await run([process.execPath, '--input-type=module-typescript', '--eval', code], env)
}

function draftsText(mailServer: MailServer): string {
  return mailServer
    .mailbox('me', 'Drafts')
    .map(({ bytes }) => new TextDecoder().decode(bytes))
    .join('\n')
}

test('the embedding example of the README runs as it stands', async () => {
  const mailServer = await startMailServer()
  const database = join(await temporaryFolder(), 'mail.db')
  const code = await example('Embedding it', [
    [
      "host: 'imap.example.com', port: 993, security: 'tls'",
      `host: '127.0.0.1', port: ${mailServer.imapPort}, security: 'none'`,
    ],
    ["sqlite('mail.db')", `sqlite(${JSON.stringify(database)})`],
  ])
  expect(await runModule(code)).toEqual({ code: 0, output: 'synchronized 2\n' })
  expect(draftsText(mailServer)).toContain('Dear Ann')
})

test('the command line example of the README runs as it stands', async () => {
  const mailServer = await startMailServer()
  const folder = await temporaryFolder()
  const copy = join(folder, 'backup.db')
  const script = await example('On the command line', [
    ['--imap-host imap.example.com', `--imap-host 127.0.0.1 --imap-port ${mailServer.imapPort} --imap-security none`],
    ['--address me@example.com', '--address me@example.com --imap-user me'],
    ['./everdraft-backup.db', copy],
  ])
  const asTyped = `set -e; everdraft() { "$NODE" "$MAIN" "$@"; }\n${script}`
  const { code, output } = await run(['bash', '-c', asTyped], {
    NODE: process.execPath,
    MAIN: everdraft,
    EVERDRAFT_DATA: folder,
    MAIL_PASSWORD: 'secret',
  })
  expect(output).toMatch(/^account \S+ \(me@example\.com\) added$/m)
  expect(output).toMatch(/^\d uploaded, \d replaced/m)
  expect(output).toMatch(/ synchronized .* Hello$/m)
  expect(code).toBe(0)
  expect(draftsText(mailServer)).toContain('Subject: Hello')
  expect(existsSync(copy)).toBe(true)
})

test('the client’s example in the README runs as it stands, with the daemon', async () => {
  const mailServer = await startMailServer()
  const folder = await temporaryFolder()
  const daemon = { EVERDRAFT_DATA: folder, EVERDRAFT_TOKEN: 'token-of-this-test' }
  const server = ['--imap-host', '127.0.0.1', '--imap-port', String(mailServer.imapPort), '--imap-security', 'none']
  const address = ['--address', 'me@example.com', '--imap-user', 'me', '--imap-password-env', 'MAIL_PASSWORD']
  const added = await run([process.execPath, everdraft, 'account', 'add', ...address, ...server], {
    ...daemon,
    MAIL_PASSWORD: 'secret',
  })
  expect(added.code).toBe(0)

  const code = await example('Over REST', [])
  const listening = Promise.withResolvers<{ readonly url: string; readonly kill: () => void }>()
  const serve: [string, ...string[]] = [process.execPath, everdraft, 'serve', '--listen', '127.0.0.1:0']
  const served = run(serve, daemon, (output, kill) => {
    const url = /listens on (\S+)/.exec(output)?.[1]
    if (url !== undefined) listening.resolve({ url, kill })
  })
  void served.then(({ output }) => listening.reject(new Error(output)))
  const { url, kill } = await listening.promise
  const { code: exitCode, output } = await runModule(code, { ...daemon, EVERDRAFT_URL: url })
  expect(output).toMatch(/draft-created\n(?:.*\n)*upload-finished\n$/)
  expect(exitCode).toBe(0)
  expect(draftsText(mailServer)).toContain('filename="minutes.txt"')
  kill()
  expect((await served).code).toBe(0)
})
