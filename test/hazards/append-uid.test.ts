import type { Quirks } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { incompressible, settle } from '../live/harness.ts'
import { openEmbedded } from './embedded-device.ts'

const variants: readonly Quirks['appendUid'][] = ['absent', 'swapped', 'untagged']
const methods = [
  { method: 'APPEND', without: ['REPLACE', 'CATENATE'] },
  { method: 'REPLACE', without: ['CATENATE'] },
  { method: 'CATENATE', without: ['REPLACE'] },
] as const
const cases = variants.flatMap((appendUid) => methods.map((one) => ({ appendUid, ...one })))

const bystander = [
  'From: carol@example.com',
  'Subject: theirs',
  'Message-ID: <theirs@example.com>',
  'Date: Sat, 21 Nov 2026 10:00:00 +0000',
  '',
  'not ours',
  '',
].join('\r\n')

describe('H11 what APPENDUID says is not taken for true', () => {
  test.for(cases)(
    '$appendUid, by $method: ten edits leave one copy, bound under the UID it really has',
    async (one) => {
      // A UIDVALIDITY that is also a UID in the folder: swapped numbers name somebody else's message.
      await using embedded = await openEmbedded({
        without: one.without,
        quirks: { appendUid: one.appendUid! },
        proposeUidValidity: () => 2,
      })
      const { device, mailServer } = embedded
      await device.foreign(async (raw) => {
        for (let count = 0; count < 3; count += 1) await raw.append('Drafts', bystander, ['\\Seen'])
      })
      const bytes = incompressible(20_000)
      const draft = await device.create({ text: 'begun\n' })
      await device.attach(draft.id, bytes)
      await embedded.upload()
      for (let edit = 1; edit <= 10; edit += 1) {
        await device.engine.drafts.save(draft.id, { text: `edit ${edit}\n` })
        await embedded.upload()
        const { sync, text, attachments } = await device.get(draft.id)
        const ours = mailServer.mailbox('ann', 'Drafts').filter((message) => !textOf(message).includes('not ours'))
        expect(ours.map(({ uid }) => uid)).toEqual([sync.uid])
        expect(textOf(ours[0]!)).toContain(`edit ${edit}`)
        expect(sync).toMatchObject({ state: 'synchronized', lastError: null })
        expect([text, attachments.length]).toEqual([`edit ${edit}\n`, 1])
      }
      await device.engine.drafts.discard(draft.id)
      await settle(device)
      // What is here is never given up for what the server says, and the others' mail is all there is left there.
      expect(await device.get(draft.id)).toMatchObject({ text: 'edit 10\n', attachments: [{ size: bytes.length }] })
      const left = mailServer.mailbox('ann', 'Drafts').map(textOf)
      expect(left).toEqual([bystander, bystander, bystander])
    },
  )

  test('a number that names another message of ours binds neither to the other', async () => {
    await using embedded = await openEmbedded({ quirks: { appendUid: 'swapped' }, proposeUidValidity: () => 1 })
    const { device, mailServer } = embedded
    const first = await device.create({ subject: 'first', text: 'first\n' })
    await embedded.upload()
    const second = await device.create({ subject: 'second', text: 'second\n' })
    await embedded.upload()
    const uids = await Promise.all([first, second].map(async ({ id }) => (await device.get(id)).sync.uid))
    const subjects = mailServer
      .mailbox('ann', 'Drafts')
      .map((message) => [message.uid, /Subject: (\w+)/.exec(textOf(message))?.[1]])
    expect(subjects).toEqual([
      [uids[0], 'first'],
      [uids[1], 'second'],
    ])
  })
})

function textOf({ bytes }: { readonly bytes: Uint8Array }): string {
  return Buffer.from(bytes).toString('latin1')
}
