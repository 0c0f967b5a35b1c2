import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type AccountId, createEngine, type Engine, inspectStore, type Umid, type Version } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

const hourMs = 3_600_000
const trashMs = 30 * 24 * hourMs

/** Empty, small, the same again, and of several chunks. */
const files = [
  new Uint8Array(0),
  new Uint8Array(10).fill(1),
  new Uint8Array(10).fill(2),
  new Uint8Array(300_000).fill(3),
]
const hashes = files.map((bytes) => createHash('sha256').update(bytes).digest('hex'))

/** What a draft says at one version. */
interface Said {
  readonly text: string
  /** In order, by index of `files`. */
  readonly files: readonly number[]
  readonly savedAt: number
}

interface ModelDraft {
  readonly id: Umid
  account: number
  status: 'draft' | 'discarded' | 'emptied'
  trashedAt: number
  version: Version
  readonly said: Map<Version, Said>
}

interface Model {
  nowMs: number
  readonly drafts: ModelDraft[]
}

/** An engine that is offline, and its file. */
interface Real {
  engine: Engine
  readonly accounts: readonly AccountId[]
  readonly file: string
  readonly clock: { nowMs: number }
  reopen(): Promise<void>
}

type Command = fc.AsyncCommand<Model, Real>

function head({ said, version }: ModelDraft): Said {
  const now = said.get(version)
  if (now === undefined) throw new Error('the model has no head')
  return now
}

/** A command about one draft, the n-th of those that it is for. */
function about(
  name: string,
  nth: number,
  isFor: (draft: ModelDraft) => boolean,
  run: (draft: ModelDraft, model: Model, real: Real) => Promise<void>,
): Command {
  return {
    check: (model) => model.drafts.some(isFor),
    async run(model, real) {
      const candidates = model.drafts.filter(isFor)
      await run(candidates[nth % candidates.length]!, model, real)
      await compare(model, real)
    },
    toString: () => `${name}(${nth})`,
  }
}

const isEditable = ({ status }: ModelDraft): boolean => status === 'draft'

function say(draft: ModelDraft, model: Model, version: Version, said: Omit<Said, 'savedAt'>): void {
  if (version === draft.version) return
  expect(version).toBe(draft.version + 1)
  draft.version = version
  draft.said.set(version, { ...said, savedAt: model.nowMs })
}

/** A save that changes nothing makes no version. */
function checkMoved(draft: ModelDraft, version: Version, isChange: boolean): void {
  expect(version > draft.version).toBe(isChange)
}

/** Every draft says what the model says, to the byte; nothing that was acknowledged is lost (hazards 13 and 31). */
async function compare(model: Model, { engine, accounts }: Real): Promise<void> {
  for (const draft of model.drafts) {
    if (draft.status === 'emptied') {
      await expect(engine.drafts.get(draft.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      continue
    }
    const real = await engine.drafts.get(draft.id)
    const { text, files: attached } = head(draft)
    expect(real).toMatchObject({
      text,
      version: draft.version,
      status: draft.status,
      accountId: accounts[draft.account],
    })
    expect(real.attachments.map(({ sha256 }) => sha256)).toEqual(attached.map((index) => hashes[index]))
    const kept = (await engine.drafts.history(draft.id)).map(({ version }) => version)
    expect(kept[0]).toBe(draft.version)
    for (const [version, { savedAt }] of draft.said) {
      if (savedAt > model.nowMs - hourMs) expect(kept).toContain(version)
      if (!kept.includes(version)) draft.said.delete(version)
    }
    expect(new Set(kept)).toEqual(new Set(draft.said.keys()))
  }
}

/** What lies in the store is what some kept version names, in the account of its draft: no more, and no less. */
async function compareBlobs(model: Model, { engine, accounts, file }: Real): Promise<void> {
  const copy = `${file}.copy`
  await engine.backup(copy)
  const database = new Database(copy, { readonly: true })
  const rows = database.prepare('select account_id, sha256 from blob').all() as { account_id: string; sha256: string }[]
  database.close()
  await rm(copy)
  const held = model.drafts.flatMap(({ account, said }) =>
    [...said.values()].flatMap((one) => one.files.map((index) => `${accounts[account]} ${hashes[index]}`)),
  )
  expect(rows.map((row) => `${row.account_id} ${row.sha256}`).toSorted()).toEqual([...new Set(held)].toSorted())
}

async function bytesOf(engine: Engine, draft: ModelDraft): Promise<void> {
  const { attachments } = await engine.drafts.get(draft.id)
  for (const [index, { id }] of attachments.entries()) {
    const hash = createHash('sha256')
    for await (const piece of (await engine.drafts.readAttachment(draft.id, id)).content) hash.update(piece)
    expect(hash.digest('hex')).toBe(hashes[head(draft).files[index]!])
  }
}

const nth = fc.nat({ max: 5 })
const fileIndex = fc.nat({ max: files.length - 1 })
const text = fc.constantFrom('one\n', 'two\n', 'a longer text, with more words\n', '')

/** Often: what makes history, and what thins it out. */
const often: readonly fc.Arbitrary<Command>[] = [
  fc.tuple(text, fc.nat({ max: 1 })).map(([first, account]): Command => ({
    check: ({ drafts }) => drafts.length < 3,
    async run(model, real) {
      const { id, version } = await real.engine.drafts.create({ accountId: real.accounts[account]!, text: first })
      const said = new Map([[version, { text: first, files: [], savedAt: model.nowMs }]])
      model.drafts.push({ id, account, status: 'draft', trashedAt: 0, version, said })
      await compare(model, real)
    },
    toString: () => `create(${account})`,
  })),
  fc.tuple(nth, text).map(([at, changed]) =>
    about('save', at, isEditable, async (draft, model, { engine }) => {
      const { version } = await engine.drafts.save(draft.id, { text: changed })
      checkMoved(draft, version, changed !== head(draft).text)
      say(draft, model, version, { ...head(draft), text: changed })
    }),
  ),
  fc.tuple(nth, fileIndex).map(([at, index]) =>
    about('attach', at, isEditable, async (draft, model, { engine }) => {
      const attached = await engine.drafts.attach(draft.id, { filename: 'a.bin', content: files[index]! })
      say(draft, model, attached.draft.version, { ...head(draft), files: [...head(draft).files, index] })
    }),
  ),
  fc.tuple(nth, nth).map(([at, which]) =>
    about(
      'detach',
      at,
      (draft) => isEditable(draft) && head(draft).files.length > 0,
      async (draft, model, { engine }) => {
        const { attachments } = await engine.drafts.get(draft.id)
        const removed = which % attachments.length
        const { version } = await engine.drafts.detach(draft.id, attachments[removed]!.id)
        say(draft, model, version, { ...head(draft), files: head(draft).files.toSpliced(removed, 1) })
      },
    ),
  ),
  fc.tuple(nth, nth).map(([at, which]) =>
    about('restore', at, isEditable, async (draft, model, { engine }) => {
      const [...known] = draft.said.keys()
      const to = known[which % known.length]!
      const { version } = await engine.drafts.restore(draft.id, to)
      say(draft, model, version, draft.said.get(to)!)
      await bytesOf(engine, draft)
    }),
  ),
  fc.constantFrom(0.4, 1, 1, 3, 30, 24 * 31).map((hours): Command => ({
    check: () => true,
    async run(model, real) {
      model.nowMs += hours * hourMs
      real.clock.nowMs = model.nowMs
    },
    toString: () => `wait(${hours}h)`,
  })),
  fc.constant<Command>({
    check: () => true,
    async run(model, real) {
      await real.engine.housekeep()
      for (const draft of model.drafts) {
        if (draft.status !== 'discarded' || draft.trashedAt >= model.nowMs - trashMs) continue
        draft.status = 'emptied'
        draft.said.clear()
      }
      await compare(model, real)
      await compareBlobs(model, real)
      for (const draft of model.drafts) if (draft.status !== 'emptied') await bytesOf(real.engine, draft)
    },
    toString: () => 'collect',
  }),
]

/** Seldom: a draft that is in the trash can only be taken out again. */
const seldom: readonly fc.Arbitrary<Command>[] = [
  nth.map((at) =>
    about('discard', at, isEditable, async (draft, model, { engine }) => {
      await engine.drafts.discard(draft.id)
      draft.status = 'discarded'
      draft.trashedAt = model.nowMs
    }),
  ),
  nth.map((at) =>
    about(
      'undiscard',
      at,
      ({ status }) => status === 'discarded',
      async (draft, _model, { engine }) => {
        await engine.drafts.undiscard(draft.id)
        draft.status = 'draft'
        await bytesOf(engine, draft)
      },
    ),
  ),
  nth.map((at) =>
    about('move', at, isEditable, async (draft, model, { engine, accounts }) => {
      const to = 1 - draft.account
      const { version } = await engine.drafts.move(draft.id, accounts[to]!)
      draft.account = to
      say(draft, model, version, head(draft))
      await bytesOf(engine, draft)
    }),
  ),
  fc.constant<Command>({
    check: () => true,
    async run(model, real) {
      await real.reopen()
      await compare(model, real)
    },
    toString: () => 'reopen',
  }),
]

async function openReal(folder: string): Promise<Real> {
  const file = join(folder, 'everdraft.db')
  const clock = { nowMs: Date.UTC(2026, 0, 1) }
  const open = (): Promise<Engine> =>
    createEngine({
      storage: sqlite(file),
      mailbox: imap(),
      environment: { now: () => clock.nowMs },
      connectivity: { isOnline: () => false, subscribe: () => () => {} },
    })
  const engine = await open()
  const accounts: AccountId[] = []
  for (const name of ['ann', 'work']) {
    const server = { host: '127.0.0.1', port: 1, security: 'none', user: name, password: 'x' } as const
    accounts.push((await engine.accounts.add({ address: `${name}@example.org`, imap: server })).id)
  }
  const real: Real = {
    engine,
    accounts,
    file,
    clock,
    async reopen() {
      await real.engine.close()
      const { findings } = await inspectStore(sqlite(file))
      expect(findings).toEqual([])
      real.engine = await open()
    },
  }
  return real
}

test('H13 H14 H31 whatever is done to drafts, each kept version says what it said, and the store holds its files and no others', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([...often, ...often, ...often, ...seldom], { maxCommands: 40, size: 'max' }),
      async (script) => {
        const folder = await mkdtemp(join(tmpdir(), 'everdraft-model-'))
        const real = await openReal(folder)
        const model: Model = { nowMs: real.clock.nowMs, drafts: [] }
        try {
          await fc.asyncModelRun(() => ({ model, real }), script)
          await real.reopen()
        } finally {
          await real.engine.close()
          await rm(folder, { recursive: true, force: true })
        }
      },
    ),
    { numRuns: 50 },
  )
})
