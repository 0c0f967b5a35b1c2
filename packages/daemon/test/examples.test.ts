import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { mailUser, type Running, start, token } from './harness.ts'

function hasCurl(): boolean {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The examples of docs/api.md that ask a daemon, as they stand there; but none waits without need, or without end. */
async function examples(): Promise<readonly string[]> {
  const text = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(?<code>[\s\S]*?)^```/gm)].map((match) => match.groups?.['code'] ?? '')
  return blocks
    .filter((code) => code.startsWith('curl '))
    .map((code) =>
      code.replace(/^curl -sN "\$URL\/events" .*\n/m, '').replace('"undo_seconds": 10', '"undo_seconds": 0'),
    )
}

interface Ids {
  readonly ACCOUNT: string
  readonly DRAFT: string
  readonly CONFLICT: string
  readonly WEBHOOK: string
}

/** A draft for one example: with a version for each that one of them names. */
async function thingsFor({ call, addDraft }: Running, account: string, code: string): Promise<Ids> {
  const { id } = await addDraft(account, { to: 'bob@example.org', subject: 'Minutes', text: 'One' })
  const path = `/accounts/${account}/drafts/${id}`
  let conflict = ''
  if (!code.includes('If-Match: "1"')) {
    for (const text of ['Two', 'Three']) await call('PUT', path, { json: { text } })
    if (code.includes('$CONFLICT')) {
      const merge = `${path}?on_conflict=merge&base_version=1`
      conflict = (await call('PUT', merge, { json: { text: 'Four' } })).body.conflict_id
    }
  }
  const { body: webhook } = await call('POST', '/webhooks', { json: { url: 'https://192.0.2.1/' } })
  return { ACCOUNT: account, DRAFT: id, CONFLICT: conflict, WEBHOOK: webhook.id }
}

interface Ran {
  readonly output: string
  /** Of each request. */
  readonly statuses: readonly number[]
}

/** `curl` as it is, but for saying the status behind each answer. */
async function run(code: string, env: Record<string, string>, cwd: string): Promise<Ran> {
  const script = [
    'set -e',
    `curl() { command curl --max-time 60 -w '\\nHTTP %{http_code}\\n' "$@"; }`,
    // Not installed everywhere.
    `uuidgen() { echo ${randomUUID()}; }`,
    code,
  ].join('\n')
  const output = await new Promise<string>((resolve, reject) => {
    const options = { cwd, env: { PATH: process.env['PATH'] ?? '', ...env } }
    execFile('bash', ['-c', script], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${code}\n${stdout}${stderr}`))
    })
  })
  return { output, statuses: [...output.matchAll(/^HTTP (\d+)$/gm)].map(([, status]) => Number(status)) }
}

// skipped: where there is no curl; CI installs it
test.skipIf(process.env['CI'] !== 'true' && !hasCurl())(
  'the examples of docs/api.md run as they stand there',
  async () => {
    const running = await start()
    const { addAccount, mailServer, imapPort, url } = running
    const login = { host: '127.0.0.1', security: 'none', user: mailUser.name, password: mailUser.password }
    const { id } = await addAccount({
      imap: { ...login, port: imapPort },
      smtp: { ...login, port: mailServer.smtpPort },
    })
    const cwd = await mkdtemp(join(tmpdir(), 'everdraft-examples-'))
    onTestFinished(() => rm(cwd, { recursive: true }))
    await writeFile(join(cwd, 'minutes.pdf'), 'not really a PDF')
    const all = await examples()
    expect(all.length).toBeGreaterThan(15)
    for (const code of all) {
      const things = await thingsFor(running, id, code)
      const { statuses, output } = await run(code, { URL: url, AUTH: `Authorization: Bearer ${token}`, ...things }, cwd)
      expect(statuses.length, code).toBe(code.match(/^curl /gm)?.length)
      // Nobody is behind the webhook that is asked for a suggestion: it is not of the public network.
      const expected = code.includes('/suggest') ? /^422$/ : /^20[0-4]$/
      for (const status of statuses) expect(String(status), `${code}\n${output}`).toMatch(expected)
    }
  },
  120_000,
)
