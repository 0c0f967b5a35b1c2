import { describe, expect, test } from 'vitest'

import { type EmbeddedDevice, openEmbedded } from '../hazards/embedded-device.ts'
import { type Device, settle } from '../live/harness.ts'

const theirs = 'Subject: theirs\r\nMessage-ID: <theirs@example.com>\r\n\r\nwritten elsewhere\r\n'

/** Two of ours, one of them edited since, and one of another program: each in Drafts. */
async function threeDrafts(device: Device): Promise<void> {
  const first = await device.create({ subject: 'first' })
  await device.create({ subject: 'second' })
  await device.foreign((raw) => raw.append('Drafts', theirs, ['\\Draft']))
  await settle(device)
  await device.engine.drafts.save(first.id, { text: 'edited\n' })
}

/** Each draft with its text: what everybody sees in a folder, and what the engine has and takes for synchronized. */
async function inFolder(device: Device, folder: string): Promise<readonly string[]> {
  const messages = await device.foreign((raw) => raw.listMessages(folder))
  return messages
    .map(
      ({ bytes }) =>
        /^Subject: (.*)\r\n(?:.+\r\n)*\r\n([^\r]*)/m.exec(bytes.toString('latin1'))?.slice(1, 3).join(': ') ?? '',
    )
    .toSorted()
}

async function here({ engine, account }: Device): Promise<readonly string[]> {
  const { items } = await engine.drafts.list({ accountId: account.id, status: 'draft' })
  const drafts = await Promise.all(items.map(({ id }) => engine.drafts.get(id)))
  expect(drafts.map(({ sync }) => [sync.state, sync.pending])).toEqual(drafts.map(() => ['synchronized', null]))
  return drafts.map(({ subject, text }) => `${subject}: ${text.split('\n')[0]}`).toSorted()
}

const all = ['first: edited', 'second: Dear Bob,', 'theirs: written elsewhere']

const ways: readonly { readonly when: string; readonly between: (embedded: EmbeddedDevice) => Promise<void> }[] = [
  { when: 'between two rounds', between: async () => {} },
  { when: 'while nobody was connected', between: ({ device }) => device.restart() },
  { when: 'just before an upload', between: (embedded) => embedded.upload() },
]

describe.each(ways)('the Drafts folder, $when,', ({ between }) => {
  test('is deleted by another program: all drafts are in a new one, once, as they are here', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await threeDrafts(device)
    await device.foreign((raw) => raw.ok('DELETE Drafts'))
    await between(embedded)
    await settle(device)
    expect(await inFolder(device, 'Drafts')).toEqual(all)
    expect(await here(device)).toEqual(all)
  })

  test('is renamed by another program, and is still the one for drafts: none is there twice', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await threeDrafts(device)
    // RFC 6154 leaves open whether the special use goes along.
    await device.foreign((raw) => raw.ok('RENAME Drafts Older'))
    await between(embedded)
    expect(await inFolder(device, 'Older')).toHaveLength(3)
    await settle(device)
    expect(await inFolder(device, 'Older')).toEqual(all)
    expect(await here(device)).toEqual(all)
  })

  test('cannot be selected any more: all drafts are in one that can be', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await threeDrafts(device)
    await device.foreign(async (raw) => {
      await raw.ok('CREATE Drafts/Letters')
      await raw.ok('DELETE Drafts')
      const { untagged } = await raw.ok('LIST "" Drafts')
      expect(untagged.map(({ text }) => text).join()).toContain('\\Noselect')
    })
    await between(embedded)
    await settle(device)
    expect(await inFolder(device, 'Drafts')).toEqual(all)
    expect(await here(device)).toEqual(all)
  })
})
