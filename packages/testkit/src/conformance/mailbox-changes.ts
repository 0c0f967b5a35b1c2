// What a test expects depends on what the server can do: that is the point of a suite for all of them.
/* oxlint-disable vitest/no-conditional-expect */
import { isInUidSet, type FolderChanges, type FolderMark, type Uid, type UidValidity } from '@everdraft/core'
import { expect, test } from 'vitest'
import {
  append,
  mail,
  onlyIf,
  pathOf,
  uidsOf,
  type MailboxExpectations,
  type MailboxFixture,
} from './mailbox-fixture.ts'

export function exerciseChanges(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  const changesSince = async (mark: FolderMark | null): Promise<FolderChanges> => {
    const changes = await fixture().session.changes(fixture().folder, mark)
    if (changes === null) throw new Error('There is no such folder')
    return changes
  }

  const folderOfThree = async (): Promise<FolderChanges> => {
    const { session, folder } = fixture()
    for (const id of [1, 2, 3]) await append(session, folder, mail(`<${id}@example.org>`))
    return changesSince(null)
  }

  test('without a mark are all that there is', async () => {
    const { session, folder } = fixture()
    expect(await changesSince(null)).toMatchObject({ kind: 'full', uids: [], deleted: [], added: [] })
    await append(session, folder, mail('<1@example.org>'))
    await append(session, folder, mail('<2@example.org>'))
    await session.select(folder)
    const uids = await session.uids()
    await session.markDeleted(uidsOf(uids[1] ?? 0))
    const changes = await changesSince(null)
    expect(changes).toMatchObject({ kind: 'full', uids, deleted: [uids[1]], folder: { path: folder, exists: 2 } })
    expect(changes.added).toMatchObject([
      { uid: uids[0], messageId: '<1@example.org>', draft: true, deleted: false },
      { uid: uids[1], messageId: '<2@example.org>', deleted: true },
    ])
  })

  test('are none where nothing happened, also for a mark that SELECT gave', async () => {
    const { session, folder } = fixture()
    const { added } = await folderOfThree()
    for (const mark of [(await changesSince(null)).folder, await session.select(folder)]) {
      const changes = await changesSince(mark)
      expect(changes).toMatchObject({ kind: expected.qresync ? 'delta' : 'full', added: [] })
      if (changes.kind === 'delta') expect(changes).toMatchObject({ vanished: [], changed: [] })
      else expect(changes).toMatchObject({ uids: added.map(({ uid }) => uid), deleted: [] })
      if (changes.kind === 'full' && expected.condstore) expect(changes.changed).toEqual([])
    }
  })

  test('are what another client added, flagged and expunged', async () => {
    const { folder, raw } = fixture()
    const before = await folderOfThree()
    const [first, second, third] = before.added.map(({ uid }) => uid) as [Uid, Uid, Uid]
    const other = await raw()
    await other.append(folder, mail('<4@example.org>'))
    await other.select(folder)
    await other.ok(`UID STORE ${first} +FLAGS (\\Flagged)`)
    await other.markDeleted(folder, [second])
    await other.expunge(folder)

    const changes = await changesSince(before.folder)
    expect(changes.added).toMatchObject([{ messageId: '<4@example.org>' }])
    const fourth = changes.added[0]?.uid as Uid
    if (changes.kind === 'delta') {
      const all = [first, second, third, fourth]
      expect(all.filter((uid) => isInUidSet(changes.vanished, uid))).toEqual([second])
    } else expect(changes.uids).toEqual([first, third, fourth])
    expect(changes.kind).toBe(expected.qresync ? 'delta' : 'full')
    if (expected.condstore) expect(changes.changed?.map(({ uid }) => uid)).toEqual([first])
    if (expected.condstore) expect(changes.changed?.[0]?.flags).toContain('\\flagged')
    if (!expected.condstore) expect(changes).toMatchObject({ kind: 'full', changed: null })
    expect(changes.folder).toMatchObject({ exists: 3 })

    const after = await changesSince(changes.folder)
    expect(after).toMatchObject({ added: [], ...(after.kind === 'delta' ? { vanished: [], changed: [] } : {}) })
  })

  test('tell what is marked as deleted, whether by the flags or by a list', async () => {
    const { folder, raw } = fixture()
    const before = await folderOfThree()
    const [, second] = before.added.map(({ uid }) => uid) as [Uid, Uid]
    await (await raw()).markDeleted(folder, [second])
    const changes = await changesSince(before.folder)
    const marked = changes.changed?.filter(({ flags }) => flags.includes('\\deleted')).map(({ uid }) => uid)
    expect(changes.kind === 'full' ? changes.deleted : marked).toEqual([second])
  })

  test('are all that there is for a mark that says nothing about the folder of today', async () => {
    const { folder } = (await folderOfThree()) as { readonly folder: FolderMark }
    const marks: FolderMark[] = [
      { ...folder, uidValidity: (folder.uidValidity - 1) as UidValidity },
      { ...folder, uidNext: ((folder.uidNext ?? 0) + 1000) as Uid },
      { ...folder, uidNext: null },
      ...(folder.highestModseq === null ? [] : [{ ...folder, highestModseq: `${folder.highestModseq}00` }]),
    ]
    for (const mark of marks) {
      const changes = await changesSince(mark)
      expect(changes.kind).toBe('full')
      expect(changes.added.map(({ messageId }) => messageId)).toEqual([
        '<1@example.org>',
        '<2@example.org>',
        '<3@example.org>',
      ])
    }
  })

  test('of a folder that is not there are null, and the session goes on', async () => {
    const { session, folder } = fixture()
    const { folder: mark } = await folderOfThree()
    for (const known of [null, mark]) expect(await session.changes(pathOf('no such folder'), known)).toBeNull()
    expect(await session.changes(folder, null)).toMatchObject({ folder: { exists: 3 } })
    expect(await session.uids()).toHaveLength(3)
  })

  test(`cost ${roundTrips(expected)} where nothing happened, and where something did`, async () => {
    const { folder } = await folderOfThree()
    const { session, proxy } = await fixture().connectThroughProxy()
    // The first SELECT of a session may have more to do.
    await session.changes(folder.path, folder)
    const before = proxy.turns
    await session.changes(folder.path, folder)
    expect(proxy.turns - before).toBe(expected.esearch ? 1 : 2)
    await append(fixture().session, folder.path, mail('<new@example.org>'))
    const later = proxy.turns
    expect(await session.changes(folder.path, folder)).toMatchObject({ added: [{ messageId: '<new@example.org>' }] })
    expect(proxy.turns - later).toBe(expected.esearch ? 1 : 2)
  })

  onlyIf(expected.qresync)('are known after an append and an expunge of this session, too', async () => {
    const { session, folder } = fixture()
    const before = await folderOfThree()
    const [first] = before.added.map(({ uid }) => uid) as [Uid]
    await append(session, folder, mail('<4@example.org>'))
    await session.markDeleted([first])
    await session.expungeUids([first])
    const changes = await changesSince(before.folder)
    expect(changes.kind === 'delta' && isInUidSet(changes.vanished, first)).toBe(true)
    expect(changes.added).toMatchObject([{ messageId: '<4@example.org>' }])
  })
}

function roundTrips({ esearch }: MailboxExpectations): string {
  return esearch ? 'one round trip' : 'two round trips'
}
