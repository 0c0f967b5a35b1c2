import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Draft, Umid } from '@everdraft/core'
import { describeServer, type RunningServer } from '@everdraft/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { type Device, incompressible, openDevice, settle, sha256 } from '../live/harness.ts'
import { parseMessage } from '../live/parse-message.ts'
import { describePrograms } from './describe-programs.ts'
import { openMbsync } from './mbsync.ts'
import { openMutt } from './mutt.ts'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'everdraft-programs-'))
})
afterEach(async () => {
  await rm(home, { recursive: true, force: true })
})

async function whatIsSaid(
  message: Uint8Array,
): Promise<Pick<Draft, 'subject' | 'text'> & { readonly files: readonly string[] }> {
  const { subject, text, attachments } = await parseMessage(message)
  return { subject, text, files: attachments.map((one) => one.sha256) }
}

/** A draft with a file, on the server. */
async function oneDraft(device: Device, file: Uint8Array): Promise<Umid> {
  const { id } = await device.create({ subject: 'Grüße', text: 'these words are ours\n' })
  await device.attach(id, file)
  await settle(device)
  return id
}

async function expectOneCopy(device: Device, id: Umid, text: string, file: Uint8Array): Promise<void> {
  await settle(device)
  const draft = await device.get(id)
  expect(draft).toMatchObject({ status: 'draft', text, sync: { state: 'synchronized' } })
  expect(draft.attachments.map((one) => one.sha256)).toEqual([sha256(file)])
  const [copy, ...others] = await device.drafts()
  expect(others).toEqual([])
  expect(await whatIsSaid(copy!.bytes)).toEqual({ subject: 'Grüße', text, files: [sha256(file)] })
  const { items } = await device.engine.drafts.list({ accountId: device.account.id, status: 'draft' })
  expect(items.map((one) => one.id)).toEqual([id])
}

describeServer('dovecot24', (server: () => RunningServer) => {
  const file = incompressible(40_000)

  describePrograms('mbsync', ['mbsync'], () => {
    test('finds one well-formed draft after each of our edits', async () => {
      await using device = await openDevice(server())
      const mbsync = await openMbsync(home, server().imapPort, device.user)
      const id = await oneDraft(device, file)
      for (const text of ['these words are ours\n', 'edited once\n', 'edited twice\n']) {
        await device.engine.drafts.save(id, { text })
        await settle(device)
        await mbsync.sync()
        const [message, ...others] = await mbsync.messages()
        expect(others).toEqual([])
        expect(await whatIsSaid(message!)).toEqual({ subject: 'Grüße', text, files: [sha256(file)] })
      }
      await device.engine.drafts.discard(id)
      await settle(device)
      await mbsync.sync()
      expect(await mbsync.messages()).toEqual([])
    })

    test('brings an edit of its Maildir, and it becomes the next revision of our draft', async () => {
      await using device = await openDevice(server())
      const mbsync = await openMbsync(home, server().imapPort, device.user)
      const id = await oneDraft(device, file)
      await mbsync.sync()
      const [message] = await mbsync.messages()
      await mbsync.replace(message!.toString('latin1').replace('are ours', 'are theirs'))
      await mbsync.sync()
      await expectOneCopy(device, id, 'these words are theirs\n', file)
      expect((await device.engine.drafts.history(id))[0]).toMatchObject({ by: 'foreign' })
    })
  })

  describePrograms('mutt', ['mutt', 'script'], () => {
    test('reads one well-formed draft after our edit', async () => {
      await using device = await openDevice(server())
      const mutt = await openMutt(home, server().imapPort, device.user)
      const id = await oneDraft(device, file)
      await device.engine.drafts.save(id, { text: 'edited once\n' })
      await settle(device)
      const { messages, screen } = await mutt.read()
      expect(screen).toContain('Msgs:1 ')
      expect(await whatIsSaid(messages)).toEqual({ subject: 'Grüße', text: 'edited once\n', files: [sha256(file)] })
    })

    test('takes our draft up again, edits and postpones it: it becomes the next revision, with its file', async () => {
      await using device = await openDevice(server())
      const mutt = await openMutt(home, server().imapPort, device.user)
      const id = await oneDraft(device, file)
      await mutt.edit('s/are ours/are theirs/')
      await expectOneCopy(device, id, 'these words are theirs\n', file)
      expect((await device.engine.drafts.history(id))[0]).toMatchObject({ by: 'foreign' })
      // And on from there, here and there.
      await device.engine.drafts.save(id, { text: 'these words are ours again\n' })
      await settle(device)
      await mutt.edit('s/ours again/in common/')
      await expectOneCopy(device, id, 'these words are in common\n', file)
    })
  })
})
