import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'

import { type AccountId, createEngine, type Engine, type Storage, type Umid } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { handwrittenSaves } from './handwritten-saves.ts'
import { account, noUploads, unreachable } from './unreachable.ts'

/** Who saves. Each keeps what it was given through a power cut before it says so. */
export interface Contestant {
  readonly name: string
  /** Saves `texts[i]` to the i-th draft, all asked for at once. Milliseconds from then until each is durable. */
  save(texts: readonly string[]): Promise<readonly number[]> | readonly number[]
  close(): Promise<void> | void
}

interface Filled {
  readonly engine: Engine
  readonly accountId: AccountId
  readonly ids: readonly Umid[]
}

/** What both sides begin with: the engine's own file, and empty drafts in it. */
async function fill(storage: Storage, drafts: number): Promise<Filled> {
  const engine = await createEngine({ storage, mailbox: unreachable(), timing: noUploads })
  const { id: accountId } = await engine.accounts.add(account)
  const ids: Umid[] = []
  while (ids.length < drafts) {
    const { id } = await engine.drafts.create({ accountId, to: 'bob@example.org', subject: `Draft ${ids.length}` })
    ids.push(id)
  }
  return { engine, accountId, ids }
}

/** The whole public call. */
export async function engineSaves(storage: Storage, drafts: number): Promise<Contestant> {
  const { engine, ids } = await fill(storage, drafts)
  return {
    name: 'engine.drafts.save()',
    async save(texts) {
      const started = performance.now()
      return await Promise.all(
        texts.map(async (text, index) => {
          const id = ids[index]
          if (id === undefined) throw new RangeError(`there is no draft ${index}`)
          await engine.drafts.save(id, { text })
          return performance.now() - started
        }),
      )
    },
    close: () => engine.close(),
  }
}

export async function byHand(
  file: string,
  drafts: number,
  commit: 'each' | 'together',
  afterCommit = (): void => {},
): Promise<Contestant> {
  const { engine, accountId, ids } = await fill(sqlite(file), drafts)
  await engine.close()
  return handwrittenSaves(file, { accountId, ids, commit, afterCommit })
}

/** Three pages: SQLite logs seven for a save alone, and a half for each of a hundred. */
const rawBytes = 12 * 1024

/** What the disk itself allows: the bytes of all saves in one append, and one fdatasync. */
export function rawAppends(file: string): Contestant {
  const descriptor = openSync(file, 'a')
  const block = Buffer.alloc(rawBytes, 'x')
  return {
    name: 'raw append + fdatasync',
    save(texts) {
      const started = performance.now()
      const bytes = texts.length === 1 ? block : Buffer.concat(texts.map(() => block))
      writeSync(descriptor, bytes)
      fdatasyncSync(descriptor)
      const took = performance.now() - started
      return texts.map(() => took)
    },
    close: () => closeSync(descriptor),
  }
}
