// `next` fails with the watch, or never comes.
/* oxlint-disable vitest/expect-expect */
import type { FolderPath, MailboxSession } from '@everdraft/core'
import { expect, test } from 'vitest'
import { failure } from './mailbox-connecting.ts'
import {
  append,
  mail,
  onlyIf,
  pathOf,
  selected,
  type MailboxExpectations,
  type MailboxFixture,
} from './mailbox-fixture.ts'

export function exerciseWatching(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  // Where nothing is pushed it is asked for; fast, as this is a test.
  const pollMs = 100

  test('tells of each folder once when it begins, and of what another client does', async () => {
    const { session, folder, raw } = fixture()
    const other = await raw()
    const watch = startWatch(session, [folder], { pollMs })
    await watch.next(folder)
    await other.append(folder, mail('<new@example.org>'))
    await watch.next(folder)
    await watch.stop()
  })

  test('tells of flags and of expunged messages', async () => {
    const { session, folder, raw } = fixture()
    await append(session, folder, mail('<old@example.org>'))
    const { added } = (await session.changes(folder, null)) ?? { added: [] }
    const other = await raw()
    const watch = startWatch(session, [folder], { pollMs })
    await watch.next(folder)
    await other.markDeleted(folder, [added[0]?.uid ?? 0])
    await watch.next(folder)
    await other.expunge(folder)
    await watch.nextUntil(folder, async () => (await session.uids()).length === 0)
    await watch.stop()
  })

  test('tells of a second folder, too', async () => {
    const { session, folder, raw } = fixture()
    const second = pathOf(`${folder} 2`)
    await session.createFolder(second, 'archive')
    await selected(session, folder)
    const other = await raw()
    const watch = startWatch(session, [folder, second], { pollMs })
    await watch.next(folder)
    await watch.next(second)
    await other.append(second, mail('<new@example.org>'))
    await watch.next(second)
    await watch.stop()
  })

  test('lets every other call through meanwhile, with the folder selected that the caller selected', async () => {
    const { session, folder, raw } = fixture()
    const own = pathOf(`${folder} own`)
    await session.createFolder(own, 'archive')
    await append(session, own, mail('<own@example.org>'))
    await selected(session, own)
    const watch = startWatch(session, [folder], { pollMs })
    const other = await raw()
    for (const round of [1, 2, 3]) {
      // By then it waits in the folder that it watches.
      await watch.next(folder)
      expect(await session.uids()).toHaveLength(1)
      expect(await session.identitiesFrom(1 as never)).toMatchObject([{ messageId: '<own@example.org>' }])
      await other.append(folder, mail(`<${round}@example.org>`))
    }
    await watch.next(folder)
    expect(await session.changes(folder, null)).toMatchObject({ folder: { exists: 3 } })
    await watch.stop()
    expect(await session.uids()).toHaveLength(3)
  })

  onlyIf(expected.idle)('goes on after the IDLE was issued again', async () => {
    const { folder, raw, connectThroughProxy } = fixture()
    const { session, proxy } = await connectThroughProxy()
    const other = await raw()
    const watch = startWatch(session, [folder], { renewMs: 30 })
    await watch.next(folder)
    const before = proxy.turns
    await renewed(() => proxy.turns >= before + 6)
    await other.append(folder, mail('<new@example.org>'))
    await watch.next(folder)
    await watch.stop()
  })

  test('passes over a folder that is not there', async () => {
    const { session, folder, raw } = fixture()
    const other = await raw()
    const watch = startWatch(session, [pathOf('no such folder'), folder], { pollMs })
    await watch.next(folder)
    await other.append(folder, mail('<new@example.org>'))
    await watch.next(folder)
    await watch.stop()
  })

  test('fails when the connection is lost, and ends with the session', async () => {
    const { folder, connectThroughProxy, connect } = fixture()
    const { session, proxy } = await connectThroughProxy()
    const watch = startWatch(session, [folder], {})
    await watch.next(folder)
    proxy.cutAll('rst')
    expect((await failure(watch.ended)).code).toBe('CONNECTION_LOST')

    const closed = await connect()
    const second = startWatch(closed, [folder], {})
    await second.next(folder)
    await closed.close()
    expect((await failure(second.ended)).code).toBe('CONNECTION_LOST')
  })

  test('ends at once for a signal that has been given', async () => {
    const { session, folder } = fixture()
    await session.watch([folder], { signal: AbortSignal.abort(), onChange: () => {} })
    await selected(session, folder)
  })
}

interface StartedWatch {
  /** Resolves with the next telling of that folder; one that came since the last `next` counts. */
  next(path: FolderPath): Promise<void>
  nextUntil(path: FolderPath, holds: () => Promise<boolean>): Promise<void>
  readonly ended: Promise<void>
  stop(): Promise<void>
}

function startWatch(
  session: MailboxSession,
  paths: readonly FolderPath[],
  options: { readonly pollMs?: number; readonly renewMs?: number },
): StartedWatch {
  const controller = new AbortController()
  const told: FolderPath[] = []
  let heard = Promise.withResolvers<void>()
  const ended = session.watch(paths, {
    ...options,
    signal: controller.signal,
    onChange: (path) => {
      told.push(path)
      heard.resolve()
      heard = Promise.withResolvers()
    },
  })
  ended.catch(() => {})
  const next = async (path: FolderPath): Promise<void> => {
    for (;;) {
      const at = told.indexOf(path)
      if (at >= 0) {
        told.splice(at, 1)
        return
      }
      await Promise.race([heard.promise, ended])
    }
  }
  return {
    next,
    async nextUntil(path, holds) {
      do await next(path)
      while (!(await holds()))
    },
    ended,
    async stop() {
      controller.abort()
      await ended
    },
  }
}

async function renewed(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}
