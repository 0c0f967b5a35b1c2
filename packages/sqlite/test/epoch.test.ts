import { mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type EpochFile } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'

import { renewEpoch, wasRestored } from '../../core/src/storage/epoch.ts'
import { openStore, type Store } from '../../core/src/storage/store.ts'
import { epochFile } from '../src/epoch-file.ts'

interface Opened extends AsyncDisposable {
  readonly store: Store
  readonly file: string
  readonly beside: EpochFile
}

function schedule(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}

async function opened(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-epoch-'))
  const file = join(folder, 'everdraft.db')
  const { store } = await openStore(sqlite(file), { now: Date.now, schedule })
  return {
    store,
    file,
    beside: epochFile(file),
    async [Symbol.asyncDispose]() {
      await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function failing(): Promise<never> {
  return Promise.reject(new Error('the process ends here'))
}

describe('the epoch of a store and what stands beside it', () => {
  test('a new store is none that was restored; nor is it after each renewal', async () => {
    await using one = await opened()
    expect(await wasRestored(one.store, one.beside)).toBe(false)
    for (const epoch of ['first', 'second', 'third']) {
      await renewEpoch(one.store, one.beside, epoch)
      expect(await one.beside.read()).toBe(epoch)
      expect(await wasRestored(one.store, one.beside)).toBe(false)
    }
    expect((await stat(`${one.file}.epoch`)).mode & 0o777).toBe(0o600)
  })

  test('with another epoch beside it, or none, it was', async () => {
    await using one = await opened()
    await renewEpoch(one.store, one.beside, 'first')
    await one.beside.write('second')
    expect(await wasRestored(one.store, one.beside)).toBe(true)
    await rm(`${one.file}.epoch`)
    expect(await wasRestored(one.store, one.beside)).toBe(true)
  })

  test('one from before there were epochs was, where there is one beside it', async () => {
    await using one = await opened()
    await one.beside.write('first')
    expect(await wasRestored(one.store, one.beside)).toBe(true)
  })

  test('a process that ends within a renewal leaves a store that is what it was', async () => {
    await using one = await opened()
    const { store, beside } = one
    await renewEpoch(store, beside, 'first')
    const cuts: readonly EpochFile[] = [
      { ...beside, write: failing },
      { ...beside, write: async (text) => (text.includes('\n') ? beside.write(text).then(failing) : failing()) },
      { ...beside, write: async (text) => (text.includes('\n') ? beside.write(text) : failing()) },
      { ...beside, write: async (text) => beside.write(text).then(text.includes('\n') ? () => {} : failing) },
    ]
    for (const [index, cut] of cuts.entries()) {
      await expect(renewEpoch(store, cut, `next ${index}`)).rejects.toThrow('ends here')
      expect(await wasRestored(store, beside)).toBe(false)
    }
    await renewEpoch(store, beside, 'last')
    expect(await beside.read()).toBe('last')
  })

  test('one that is opened by a link is where it is', async () => {
    await using one = await opened()
    await renewEpoch(one.store, one.beside, 'first')
    await one.store.close()
    const link = `${one.file}.link`
    await symlink(one.file, link)
    const { store, open } = await openStore(sqlite(link), { now: Date.now, schedule })
    expect(await open.epochFile?.read()).toBe('first')
    await store.close()
  })

  test('a copy that the engine makes is of the past as soon as it is made', async () => {
    await using one = await opened()
    await one.store.close()
    const mailbox = { format: undefined as never, connect: failing }
    await using engine = await createEngine({ storage: sqlite(one.file), mailbox, watch: false })
    await engine.backup(`${one.file}.backup`)
    const copy = new Database(`${one.file}.backup`, { readonly: true })
    const epoch = copy.prepare(`select value from meta where key = 'epoch'`).pluck().get()
    copy.close()
    expect((await readFile(`${one.file}.epoch`, 'utf8')).split('\n')).not.toContain(epoch)
  })
})
