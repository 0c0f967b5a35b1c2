import type { MailboxSession } from '@everdraft/core'
import { expect, test } from 'vitest'
import { failure } from './mailbox-connecting.ts'
import {
  append,
  lines,
  mail,
  noise,
  onlyIf,
  readAll,
  selected,
  streamSegment,
  type MailboxExpectations,
  type MailboxFixture,
} from './mailbox-fixture.ts'

export function exerciseLostConnections(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  test.each(['fin', 'rst'] as const)(
    'a %s in the middle of a literal: CONNECTION_LOST, dead, nothing stored',
    async (how) => {
      const { session, proxy } = await fixture().connectThroughProxy()
      const { folder, raw } = fixture()
      const cut = proxy.cutAfter({ direction: 'toServer', bytes: 500_000, how })
      const size = 5_000_000
      const lost = await failure(
        append(
          session,
          folder,
          mail('<cut@example.org>'),
          streamSegment(size, () => lines(size)),
        ),
      )
      expect(lost).toMatchObject({ code: 'CONNECTION_LOST', isConnectivity: true })
      await cut.done
      await expectDead(session)
      expect(await (await raw()).listMessages(folder)).toEqual([])
    },
  )

  test('an answer that never comes through: CONNECTION_LOST, whatever became of the message', async () => {
    const { session, proxy } = await fixture().connectThroughProxy()
    const { folder, raw } = fixture()
    await selected(session, folder)
    const message = mail('<unanswered@example.org>', 'x'.repeat(1000))
    // The command and its literal pass; of the answer nothing does.
    const cut = proxy.cutAfter({ direction: 'toClient', bytes: 0, how: 'fin' })
    expect(await failure(append(session, folder, message))).toMatchObject({ code: 'CONNECTION_LOST' })
    await cut.done
    await expectDead(session)
    const stored = await (await raw()).listMessages(folder)
    expect(stored.length).toBeLessThanOrEqual(1)
  })

  test.each(['fin', 'rst'] as const)('a %s between commands: the next call throws', async (how) => {
    const { session, proxy } = await fixture().connectThroughProxy()
    await session.folders()
    proxy.cutAll(how)
    expect(await failure(session.uids())).toMatchObject({ code: 'CONNECTION_LOST' })
    await expectDead(session)
  })

  test('a cut while several commands wait: every one of them throws', async () => {
    const { session, proxy } = await fixture().connectThroughProxy()
    const calls = [session.folders(), session.uids(), append(session, fixture().folder, mail('<waiting@example.org>'))]
    const failures = Promise.all(calls.map(failure))
    proxy.cutAll('rst')
    expect((await failures).map(({ code }) => code)).toEqual(['CONNECTION_LOST', 'CONNECTION_LOST', 'CONNECTION_LOST'])
  })

  test('a cut while a message is read: the reading throws', async () => {
    const { session, folder } = fixture()
    const size = 3_000_000
    await append(
      session,
      folder,
      mail('<read@example.org>'),
      streamSegment(size, () => lines(size)),
    )
    const through = await fixture().connectThroughProxy()
    await selected(through.session, folder)
    const [uid] = await through.session.uids()
    through.proxy.cutAfter({ direction: 'toClient', bytes: 1_000_000, how: 'fin' })
    const reading = (async (): Promise<Buffer> => readAll(await through.session.fetchRaw(uid as never)))()
    expect(await failure(reading)).toMatchObject({ code: 'CONNECTION_LOST' })
    await expectDead(through.session)
  })

  onlyIf(expected.replace)('a cut in a replacement: exactly one of the old and the new is there', async () => {
    const { session, folder, raw } = fixture()
    await append(session, folder, mail('<old@example.org>'))
    const through = await fixture().connectThroughProxy()
    await selected(through.session, folder)
    const [uid] = await through.session.uids()
    through.proxy.cutAfter({ direction: 'toServer', bytes: 20_000, how: 'rst' })
    const request = {
      folder,
      flags: ['\\Draft'],
      internalDate: 0,
      segments: [{ kind: 'bytes' as const, bytes: mail('<new@example.org>', noise(50_000)) }],
    }
    expect(await failure(through.session.replace(uid as never, request))).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(await (await raw()).listMessages(folder)).toHaveLength(1)
  })
}

async function expectDead(session: MailboxSession): Promise<void> {
  expect(session.alive).toBe(false)
  expect(await failure(session.folders())).toMatchObject({ code: 'CONNECTION_LOST' })
  await session.close()
}
