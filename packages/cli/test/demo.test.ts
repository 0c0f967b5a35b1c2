import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { createDaemon } from '@everdraft/daemon'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { createClient } from '../src/client.ts'
import { demoResponders } from '../src/demo/answering.ts'
import { ClaimFailure } from '../src/demo/claim.ts'
import { openEmbeddedMailbox } from '../src/demo/embedded-mailbox.ts'
import type { DemoMailbox } from '../src/demo/mailbox.ts'
import { createWalk } from '../src/demo/walk.ts'
import { begin, everdraft, mailUser, startMailServer, temporaryFolder } from './harness.ts'

const row = (step: string, rest: string): RegExp => new RegExp(`^${step} +${rest}$`, 'm')

const urlOf = (port: number, password = mailUser.password): string =>
  `imap://${encodeURIComponent(mailUser.name)}:${encodeURIComponent(password)}@127.0.0.1:${port}`

async function walkOn(changed: (mailbox: DemoMailbox) => DemoMailbox): Promise<unknown> {
  const mailbox = await openEmbeddedMailbox()
  const path = join(await temporaryFolder(), 'everdraft.db')
  const engine = await createEngine({
    storage: sqlite(path),
    mailbox: imap(),
    submission: smtp(),
    responders: demoResponders,
  })
  const daemon = await createDaemon({ engine, token: 't', version: '0' })
  onTestFinished(async () => {
    await daemon.close()
    await engine.close()
    await mailbox.close()
    expect(existsSync(path)).toBe(true)
  })
  const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
  const walk = createWalk(createClient({ url, token: 't' }), changed(mailbox))
  try {
    for (const step of walk.steps) await step.run(() => {})
  } catch (error) {
    return error
  }
  return null
}

test('demo --once walks from an unreachable server to a discarded draft, and exits 0', async () => {
  const folder = await temporaryFolder()
  const { code, stdout, stderr } = await everdraft(['demo', '--once'], { env: { TMPDIR: folder } })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/not uploaded, because: offline – 127\.0\.0\.1:\d+ refused the connection/)
  expect(stdout).toMatch(row('saved 3 times', 'draft +v4 +local-only +– +0 B'))
  expect(stdout).toMatch(row('offline', 'draft +v5 +local-only +– +0 B'))
  expect(stdout).toMatch(row('uploaded', 'draft +v5 +synchronized +\\d+ +5\\.\\d MB'))
  expect(stdout).toMatch(row('edited, replaced', 'draft +v8 +synchronized +\\d+ +[\\d.]+ K?B'))
  expect(stdout).toMatch(row('second, discarded', 'discarded +v1 +local-only +– +\\d+ B'))
  expect(stdout).toMatch(/in the mailbox: 1 copy, UID \d+, 6\.\d MB; UID \d+ is gone/)
  expect(stdout).toMatch(row('sent', 'sent +v8 +\\S+ +– +–'))
  expect(stdout).toMatch(/taken by the server for ann@example\.org/)
  expect(stdout).toMatch(/in the mailbox: 1 copy in Sent, seen there \S+Z, and 0 among the drafts/)
  expect(stdout).toMatch(row('answered', 'draft +v1 +synchronized +\\d+ +–'))
  expect(stdout).toMatch(/known by (?:strong|probable) evidence, though it has another Message-ID: sent-edited/)
  expect(stdout).toMatch(/changed: removed “on Friday”, added “tomorrow”/)
  expect(stdout).toMatch(/measured: +5\.\d MB/)
  expect(stdout).toMatch(/computed: +27\.\d MB/)
  expect(readdirSync(folder)).toEqual([])
  // oxlint-disable-next-line no-control-regex -- escape sequences are what must not be there
  expect(stdout).not.toMatch(/\u001b/)
})

test('without --once the daemon stays up with the drafts in it, and SIGTERM and SIGINT end it with 0', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const folder = await temporaryFolder()
    const demo = begin(['demo'], { env: { TMPDIR: folder } })
    const [, data = ''] = await demo.printed(/draft list --data (\S+)/)
    await demo.printed(/Ctrl-C/)
    const drafts = await everdraft(['draft', 'list', '--json', '--data', data])
    expect(JSON.parse(drafts.stdout)).toMatchObject({ total: 3 })
    demo.kill(signal)
    expect(await demo.ended).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(folder)).toEqual([])
  }
})

describe('on a mailbox of the user’s own', () => {
  test('the demo walks through a relay and leaves the mailbox as it was', async () => {
    const server = await startMailServer()
    const drafts = server.store.find(mailUser.name, 'Drafts')
    if (drafts === undefined) throw new Error('no Drafts')
    const bytes = new TextEncoder().encode('Message-ID: <mine@example.org>\r\nSubject: mine\r\n\r\nHello\r\n')
    server.store.append(drafts, { bytes, flags: ['\\Draft'], internalDateMs: 0 })
    const before = [...drafts.messages()]
    const { code, stdout, stderr } = await everdraft(['demo', '--once', '--imap', urlOf(server.imapPort)])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('through a relay on 127.0.0.1:')
    expect(stdout).toMatch(row('uploaded', 'draft +v5 +synchronized +\\d+ +5\\.\\d MB'))
    expect(stdout).toContain('your mailbox has no copy of the demo’s drafts any more')
    expect(drafts.messages()).toEqual(before)
    expect(stdout).not.toContain(mailUser.password)
  })

  test('with --smtp it sends one mail, to the user alone, which stays', async () => {
    const server = await startMailServer({ filesSentCopies: { afterMs: 0, messageId: 'kept' } })
    const submission = urlOf(server.smtpPort).replace('imap:', 'smtp:')
    const args = ['demo', '--once', '--imap', urlOf(server.imapPort), '--smtp', submission]
    const { code, stdout, stderr } = await everdraft(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('one mail, from you to you; it stays')
    expect(stdout).toMatch(row('sent', 'sent +v8 +\\S+ +– +–'))
    expect(server.submissions.map(({ envelope: { from, to } }) => ({ from, to }))).toEqual([
      { from: mailUser.name, to: [mailUser.name] },
    ])
    expect(server.mailbox(mailUser.name, 'Drafts')).toEqual([])
    expect(server.mailbox(mailUser.name, 'Sent')).toHaveLength(1)
    expect(stdout).not.toContain(mailUser.password)
  })

  test('interrupted in the middle, it leaves the mailbox as it was all the same, and exits 130', async () => {
    const server = await startMailServer()
    const folder = await temporaryFolder()
    const demo = begin(['demo', '--once', '--imap', urlOf(server.imapPort)], { env: { TMPDIR: folder } })
    await demo.printed(/in the mailbox: 1 copy/)
    demo.kill('SIGTERM')
    expect(await demo.ended).toMatchObject({ code: 130, stderr: '' })
    expect(server.mailbox(mailUser.name, 'Drafts')).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  test('a wrong password, a server that is not there and one without TLS exit 1 with a reason', async () => {
    const server = await startMailServer()
    const folder = await temporaryFolder()
    for (const [url, reason] of [
      [urlOf(server.imapPort, 'wrong-secret'), /refused the user name or password/],
      [urlOf(1, 'wrong-secret'), /127\.0\.0\.1:1 refused the connection/],
      [urlOf(server.imapPort, 'wrong-secret').replace('imap:', 'imaps:'), /TLS/],
    ] as const) {
      const { code, stdout, stderr } = await everdraft(['demo', '--once', '--imap', url], { env: { TMPDIR: folder } })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(reason)
      expect(stderr).not.toContain('wrong-secret')
      expect(stderr).not.toMatch(/\n\s+at /)
    }
    expect(readdirSync(folder)).toEqual([])
  })

  test('a bad URL exits 2 and is not repeated, as there may be a password in it', async () => {
    for (const url of [
      'nonsense-secret',
      'http://u:secret@h',
      'imap://h:143',
      'imap://u:%zz-secret@h',
      'imap://u:secret@h/x',
    ]) {
      const { code, stdout, stderr } = await everdraft(['demo', '--once', '--imap', url])
      expect({ url, code, stdout }).toEqual({ url, code: 2, stdout: '' })
      expect(stderr).toContain('--imap')
      expect(stderr).not.toContain('secret')
    }
    for (const [args, named] of [
      [['--imap', 'imap://u:secret@h', '--smtp', 'imap://u:secret@h'], '--smtp: must be smtp://'],
      [['--smtp', 'smtps://u:secret@h'], '--smtp: --imap is needed'],
    ] as const) {
      const { code, stdout, stderr } = await everdraft(['demo', '--once', ...args])
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
      expect(stderr).toContain(named)
      expect(stderr).not.toContain('secret')
    }
  })
})

describe('what is not as claimed ends the walk', () => {
  test('nothing, on the mailbox as it is', async () => {
    expect(await walkOn((mailbox) => mailbox)).toBeNull()
  })

  test('two copies on the server', async () => {
    const failure = await walkOn((mailbox) => ({
      ...mailbox,
      copies: async (folder, id) => (await mailbox.copies(folder, id)).flatMap((copy) => [copy, { ...copy, uid: 99 }]),
    }))
    expect(failure).toBeInstanceOf(ClaimFailure)
    expect(failure).toMatchObject({ message: expect.stringContaining('there are 2 (UID 2, 99)') })
  })

  test('another file in the copy on the server', async () => {
    const failure = await walkOn((mailbox) => ({ ...mailbox, attachmentHashes: async () => ['0'.repeat(64)] }))
    expect(failure).toMatchObject({ message: expect.stringContaining('is not the file attached') })
  })

  test('a second copy in Sent', async () => {
    const failure = await walkOn((mailbox) => ({
      ...mailbox,
      sentCopies: async (id) => (await mailbox.sentCopies(id)).flatMap((copy) => [copy, copy]),
    }))
    expect(failure).toMatchObject({ message: expect.stringContaining('1 copy in Sent, there are 2') })
  })

  test('another UID than the daemon says', async () => {
    const failure = await walkOn((mailbox) => ({
      ...mailbox,
      copies: async (folder, id) => (await mailbox.copies(folder, id)).map((copy) => ({ ...copy, uid: copy.uid + 7 })),
    }))
    expect(failure).toMatchObject({ message: expect.stringContaining('has UID 9, the daemon says 2') })
  })
})
