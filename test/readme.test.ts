import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createMailServer } from '@everdraft/mailserver'
import { expect, test } from 'vitest'

test('the embedding example of the README runs as it stands', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n(?<code>[\s\S]*?)```/.exec(readme)?.groups?.['code'] ?? ''
  const mailServer = createMailServer({ users: [{ name: 'me', password: 'secret' }] })
  await mailServer.listen()
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-readme-'))
  try {
    const ours = example
      .replace(
        "host: 'imap.example.com', port: 993, security: 'tls'",
        `host: '127.0.0.1', port: ${mailServer.imapPort}, security: 'none'`,
      )
      .replace("sqlite('mail.db')", `sqlite(${JSON.stringify(join(folder, 'mail.db'))})`)
    expect(ours).toContain(String(mailServer.imapPort))
    expect(ours).toContain(folder)
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', ours], {
      // From here the packages are found by their names.
      cwd: new URL('.', import.meta.url),
    })
    let output = ''
    child.stdout.on('data', (data: Buffer) => void (output += data.toString('utf8')))
    child.stderr.on('data', (data: Buffer) => void (output += data.toString('utf8')))
    const [code] = (await once(child, 'close')) as [number | null]
    expect(output).toBe('synchronized 2\n')
    expect(code).toBe(0)
    const [copy] = mailServer.mailbox('me', 'Drafts')
    expect(new TextDecoder().decode(copy!.bytes)).toContain('Dear Ann')
  } finally {
    await mailServer.close()
    await rm(folder, { recursive: true, force: true })
  }
})
