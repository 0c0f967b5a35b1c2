import type { MoveOutcome, Uid } from '@everdraft/core'
import { expect, test } from 'vitest'
import {
  append,
  mail,
  onlyIf,
  pathOf,
  selected,
  type MailboxExpectations,
  type MailboxFixture,
} from './mailbox-fixture.ts'

export function exerciseRemoving(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  test('marks exactly the given messages', async () => {
    const { session } = fixture()
    const [first, second, third] = await three(fixture())
    expect(await session.markDeleted([third, first])).toEqual({ kind: 'ok' })
    expect(await session.deletedUids()).toEqual([first, third])
    expect(await session.uids()).toEqual([first, second, third])
    expect(await session.markDeleted([])).toEqual({ kind: 'ok' })
    expect(await session.markDeleted([4711 as Uid])).toMatchObject({ kind: expect.any(String) })
    expect(await session.deletedUids()).toEqual([first, third])
  })

  onlyIf(expected.uidPlus)('expunges exactly the given messages, and no others that are marked', async () => {
    const { session } = fixture()
    const [first, second, third] = await three(fixture())
    await session.markDeleted([first, second])
    expect(await session.expungeUids([first])).toEqual({ kind: 'ok' })
    expect(await session.uids()).toEqual([second, third])
    expect(await session.deletedUids()).toEqual([second])
    expect(await session.expungeUids([])).toEqual({ kind: 'ok' })
    expect(await session.expungeUids([third])).toEqual({ kind: 'ok' })
    expect(await session.uids()).toEqual([second, third])
  })

  onlyIf(expected.uidPlus)(
    'removes exactly the given messages, and says of none that is there that it is gone',
    async () => {
      const { session } = fixture()
      const [first, second, third] = await three(fixture())
      await session.markDeleted([second])
      const removed = await session.removeUids([third, first])
      expect(await session.uids()).toEqual([second])
      expect(removed).toEqual({ kind: 'ok', told: expect.any(Array) })
      const told = removed.kind === 'ok' ? removed.told : []
      expect([first, third]).toEqual(expect.arrayContaining([...told]))
      expect(await session.removeUids([])).toEqual({ kind: 'ok', told: [] })
      expect(await session.removeUids([4711 as Uid])).toEqual({ kind: 'ok', told: [] })
    },
  )

  onlyIf(!expected.uidPlus)(
    'throws a TypeError instead of an EXPUNGE of everything where there is no UIDPLUS',
    async () => {
      const { session } = fixture()
      const [first, second, third] = await three(fixture())
      await session.markDeleted([first, second])
      await expect(session.expungeUids([first])).rejects.toThrow(TypeError)
      await expect(session.removeUids([first])).rejects.toThrow(TypeError)
      expect(await session.uids()).toEqual([first, second, third])
      expect(session.alive).toBe(true)
    },
  )

  test('moves exactly the given messages, and says where they are, or throws a TypeError without MOVE', async () => {
    const { session, folder } = fixture()
    const [first, second, third] = await three(fixture())
    const other = pathOf(`${folder}-moved`)
    expect(await session.createFolder(other, 'archive')).toEqual({ kind: 'ok' })
    const can = session.capabilities.move
    const moved = await session.moveUids([third, first], other).catch((error: unknown) => error)
    expect(moved instanceof TypeError).toBe(!can)
    expect(await session.uids()).toEqual(can ? [second] : [first, second, third])
    const { uidValidity } = await selected(session, other)
    const identities = await session.identities(await session.uids())
    expect(identities.map(({ messageId }) => messageId)).toEqual(can ? ['<1@example.org>', '<3@example.org>'] : [])
    // RFC 6851 §4.3: it should say so. Not all keep to the order of the sets, and some say a UID too many.
    const uids = expect.arrayContaining(identities.map(({ uid }) => uid)) as unknown
    const said = can ? (moved as Extract<MoveOutcome, { kind: 'moved' }>).to : null
    expect(said ?? { uidValidity, uids }).toEqual({ uidValidity, uids })
  })

  test('removes every marked message only when it is asked to', async () => {
    const { session } = fixture()
    const [first, second, third] = await three(fixture())
    await session.markDeleted([first, third])
    expect(await session.expungeAllDeleted()).toEqual({ kind: 'ok' })
    expect(await session.uids()).toEqual([second])
  })

  test('removes nothing by selecting another folder', async () => {
    const { session, folder } = fixture()
    const uids = await three(fixture())
    await session.markDeleted(uids)
    await session.select('INBOX' as typeof folder)
    await session.select('no such folder' as typeof folder)
    expect(await selected(session, folder)).toMatchObject({ exists: 3 })
  })

  test('handles more UIDs than fit into one line', async () => {
    const { session } = fixture()
    const [first, second] = await three(fixture())
    const many = Array.from({ length: 5000 }, (_, index) => (100_000 + index * 2) as Uid)
    expect(await session.markDeleted([...many, first])).toEqual({ kind: 'ok' })
    expect(await session.deletedUids()).toEqual([first])
    expect((await session.identities([second, ...many])).map(({ uid }) => uid)).toEqual([second])
  })
}

async function three({ session, folder }: MailboxFixture): Promise<readonly [Uid, Uid, Uid]> {
  for (const id of [1, 2, 3]) await append(session, folder, mail(`<${id}@example.org>`))
  await selected(session, folder)
  const [first, second, third] = await session.uids()
  return [first as Uid, second as Uid, third as Uid]
}
