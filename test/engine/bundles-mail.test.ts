import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { describePrograms } from '../foreign-programs/describe-programs.ts'
import { type BundleStore, openBundleStore, richDraft } from './bundle-store.ts'

async function textOf(store: BundleStore, format: 'eml' | 'mbox'): Promise<string> {
  return Buffer.from(await store.export({ format })).toString('latin1')
}

describe('messages', () => {
  test('an .eml is a draft that mail programs open for writing: with Bcc, and nothing of ours or of other programs’ notes', async () => {
    await using store = await openBundleStore()
    const draft = await richDraft(store)
    const eml = await textOf(store, 'eml')
    expect(eml.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
    const header = eml.slice(0, eml.indexOf('\r\n\r\n'))
    expect(header).toMatch(/^X-Unsent: 1$/m)
    expect(header).toMatch(/^Bcc: secret@example\.com$/m)
    expect(header).toContain(`Message-ID: <${draft.id}.5@everdraft.invalid>`)
    expect(eml).not.toMatch(/^X-Everdraft/im)
    // What is for nobody else: what the draft is in the engine.
    for (const word of ['mood', 'urgent', 'scheduled', 'missingAttachment']) expect(eml).not.toContain(word)
    // The same draft, the same bytes.
    expect(await textOf(store, 'eml')).toBe(eml)
  })

  test('notes of the program that wrote a draft stay behind, and what is meant for recipients does not', async () => {
    await using store = await openBundleStore()
    await store.import(
      [
        'From: ann@example.org',
        'X-Mozilla-Draft-Info: internal/draft; vcard=0',
        'X-Identity-Key: id1',
        'Reply-To: office@example.org',
        'Bcc: secret@example.com',
        'X-Unsent: 1',
        'Subject: A note',
        '',
        'Hello',
      ].join('\r\n'),
    )
    const eml = await textOf(store, 'eml')
    expect(eml).not.toMatch(/X-Mozilla|X-Identity/)
    expect(eml).toMatch(/^Reply-To: office@example\.org\r$/m)
    expect(eml).toMatch(/^Bcc: secret@example\.com\r$/m)
    expect(eml.match(/^X-Unsent/gm)).toHaveLength(1)
  })

  test('what a message says comes back as it was: people, words, thread and files', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const draft = await richDraft(here)
    for (const format of ['eml', 'mbox'] as const) {
      const { items, files } = await there.import(await here.export({ format }))
      expect([items.length, items[0]!.outcome, files]).toEqual([1, 'created', 1])
      const read = await there.engine.drafts.get(items[0]!.draftId)
      for (const field of ['from', 'to', 'cc', 'bcc', 'subject', 'text', 'html', 'inReplyTo', 'references'] as const) {
        expect(read[field], field).toEqual(draft[field])
      }
      expect(read.attachments).toMatchObject([
        { filename: 'größe.bin', size: 300_000, sha256: draft.attachments[0]!.sha256 },
      ])
      expect(read.id).not.toBe(draft.id)
    }
    // Nothing of the file itself is left in the draft: it is exported as the first one was.
    const [first] = (await there.engine.drafts.list({ accountId: there.accountId })).items
    const { bytes } = await there.engine.bundles.export(there.accountId, { format: 'json', draftIds: [first!.id] })
    let json = ''
    for await (const piece of bytes) json += Buffer.from(piece).toString('utf8')
    expect(json).not.toContain('unmodelled')
  })

  test('an mbox has all of them, whatever their lines begin with', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    const texts = ['From here on\n\nFrom there, at 10:00\n', '>From before\nx\n', '\n\n', 'From me 12:00\n'.repeat(50)]
    for (const text of texts) {
      const { id } = await here.engine.drafts.create({ accountId: here.accountId, subject: 'From us', text })
      // Attached messages are not encoded.
      const content = Buffer.from(`Subject: inner\r\n\r\nFrom inside 10:00\r\n${text.replaceAll('\n', '\r\n')}`)
      await here.engine.drafts.attach(id, { filename: 'inner.eml', contentType: 'message/rfc822', content })
    }
    const mbox = await textOf(here, 'mbox')
    expect(mbox).not.toContain('\r')
    expect(mbox.match(/^From MAILER-DAEMON /gm)).toHaveLength(4)
    expect(mbox.match(/^From /gm)).toHaveLength(4)
    const { items } = await there.import(Buffer.from(mbox, 'latin1'))
    const read = await Promise.all(items.map(({ draftId }) => there.engine.drafts.get(draftId)))
    const written = await Promise.all(
      (await here.engine.drafts.list({ accountId: here.accountId })).items.map(({ id }) => here.engine.drafts.get(id)),
    )
    const said = (drafts: typeof read): readonly string[] =>
      drafts.map(({ text, attachments }) => JSON.stringify([text, attachments.map(({ sha256 }) => sha256)])).toSorted()
    expect(said(read)).toEqual(said(written))
  })

  test('a message whose attachment is not here is not exported without it', async () => {
    await using here = await openBundleStore()
    await using there = await openBundleStore()
    await richDraft(here)
    await there.import(await here.export())
    await expect(there.export({ format: 'mbox' })).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
  })

  test('.eml is one draft', async () => {
    await using store = await openBundleStore()
    const first = await richDraft(store)
    await richDraft(store)
    await expect(store.export({ format: 'eml' })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect((await store.export({ format: 'eml', draftIds: [first.id] })).length).toBeGreaterThan(300_000)
  })

  test('mail of anybody is read, and a file that is no mail is refused', async () => {
    await using store = await openBundleStore()
    for (const eml of ['Subject: bare LF\n\nbody', '\r\nonly a body', 'A: b', 'Subject: =?broken?=\r\n\r\n']) {
      expect(await store.import(eml)).toMatchObject({ counts: { created: 1 } })
    }
    const before = await store.everything()
    for (const bytes of [
      randomBytes(1_000),
      Buffer.from('%PDF-1.7 x'),
      Buffer.from('no header line\n'),
      Buffer.from('[{}]'),
    ]) {
      await expect(store.import(bytes)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
    expect(await store.everything()).toEqual(before)
  })
})

describePrograms('an mbox in another program', ['python3'], () => {
  test('is read as it was written, message for message', async () => {
    await using store = await openBundleStore()
    const texts = ['From here on\n\nFrom there\n', '>From before\n', 'plain\n']
    for (const [index, text] of texts.entries()) {
      await store.engine.drafts.create({
        accountId: store.accountId,
        subject: `Letter ${index}`,
        text,
        bcc: 'b@example.com',
      })
    }
    const script = `
import json, mailbox, sys, tempfile, os, email.policy, email
with tempfile.NamedTemporaryFile(delete=False) as file:
    file.write(sys.stdin.buffer.read())
found = [email.message_from_bytes(m.as_bytes(), policy=email.policy.default) for m in mailbox.mbox(file.name)]
os.unlink(file.name)
print(json.dumps([[m['subject'], m['bcc'], m['x-unsent'], m.get_content()] for m in found]))`
    const { stdout, stderr } = spawnSync('python3', ['-c', script], { input: await store.export({ format: 'mbox' }) })
    expect(stderr.toString()).toBe('')
    const read = JSON.parse(stdout.toString()) as string[][]
    expect(read.map(([subject, bcc, unsent]) => [subject, bcc, unsent])).toEqual(
      texts.map((_, index) => [`Letter ${index}`, 'b@example.com', '1']),
    )
    // It takes back no quoting, and has the empty line between messages at the end of each.
    const unquoted = read.map(([, , , text]) => text!.replaceAll('\r\n', '\n').replaceAll(/^>(?=>*From )/gm, ''))
    expect(unquoted).toEqual(texts.map((text) => `${text}\n`))
  })
})
