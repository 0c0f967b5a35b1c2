import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createMailServer } from '@everdraft/mailserver'
import { expect, onTestFinished, test } from 'vitest'

import { loadResponders } from '../src/responder-modules.ts'
import { begin, temporaryFolder } from './harness.ts'

const examples = fileURLToPath(new URL('../../../examples/responders', import.meta.url))

function mail(subject: string, text: string): Buffer {
  const head = `From: Bob Example <bob@example.com>\r\nTo: ann@example.org\r\nSubject: ${subject}\r\n`
  return Buffer.from(`${head}Message-ID: <${subject.length}.${text.length}@example.com>\r\n\r\n${text}\r\n`)
}

test('the example of a responder answers who asks, and nobody else', async () => {
  const mailServer = createMailServer({ users: [{ name: 'ann', password: 'secret' }] })
  await mailServer.listen()
  onTestFinished(() => mailServer.close())
  const data = await temporaryFolder()
  const options = ['--data', data, '--listen', '127.0.0.1:0', '--token', 'of-the-test', '--responders', examples]
  const daemon = begin(['serve', ...options])
  const url = (await daemon.printed(/listens on (?<url>http:\/\/\S+)/)).groups?.['url'] ?? ''
  const call = async (method: string, path: string, json?: object): Promise<Record<string, unknown>> => {
    const headers = { authorization: 'Bearer of-the-test', 'content-type': 'application/json' }
    const answer = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(json) ?? null })
    return (await answer.json()) as Record<string, unknown>
  }
  const { id } = await call('POST', '/accounts', {
    address: 'ann@example.org',
    imap: { host: '127.0.0.1', port: mailServer.imapPort, security: 'none', user: 'ann', password: 'secret' },
  })
  expect(await call('PUT', `/accounts/${String(id)}/responder`, { module: 'opening-hours' })).toMatchObject({
    module: 'opening-hours',
  })
  const inbox = mailServer.store.find('ann', 'INBOX')
  for (const bytes of [mail('A question', 'Are you open on Monday?'), mail('News', 'Nothing to answer.')]) {
    mailServer.store.append(inbox!, { bytes, flags: [], internalDateMs: Date.now() })
  }
  const drafts = () =>
    mailServer.mailbox('ann', 'Drafts').map(({ bytes }) => Buffer.from(bytes).toString().replaceAll('=\r\n', ''))
  const answers = () => drafts().filter((text) => text.includes('Subject: Re: '))
  await expect.poll(answers, { timeout: 10_000 }).toHaveLength(1)
  expect(answers()[0]).toMatch(/Subject: Re: A question\r\n[^]*Hello Bob,\r\n\r\nWe are open from Monday to Friday/)
  const { items } = await call('GET', `/accounts/${String(id)}/drafts`)
  expect(items).toMatchObject([{ subject: 'Re: A question', metadata: { asked: 'A question' } }])
  daemon.kill('SIGTERM')
  expect((await daemon.ended).code).toBe(0)
}, 20_000)

test('a folder of responders that is not as it should be is an error that names the file', async () => {
  const folder = join(await temporaryFolder(), 'responders')
  await expect(loadResponders(folder)).rejects.toThrow(`the folder of responders ${folder} cannot be read`)
  await mkdir(folder)
  await writeFile(join(folder, 'README.md'), 'no responder')
  await writeFile(join(folder, 'good.mjs'), 'export const respond = () => null')
  expect(Object.keys(await loadResponders(folder))).toEqual(['good'])
  await writeFile(join(folder, 'good.js'), 'export const respond = () => null')
  await expect(loadResponders(folder)).rejects.toThrow('there is another responder good')
  await writeFile(join(folder, 'empty.mjs'), 'export const answer = () => null')
  await expect(loadResponders(folder)).rejects.toThrow('empty.mjs: exports no function respond')
  await writeFile(join(folder, 'broken.mjs'), 'this is no module')
  await expect(loadResponders(folder)).rejects.toThrow('broken.mjs cannot be loaded')
})
