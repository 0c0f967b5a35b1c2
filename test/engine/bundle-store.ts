import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import {
  type AccountId,
  createEngine,
  type Draft,
  type Engine,
  type ExportOptions,
  type ImportOptions,
  type ImportReport,
  inspectStore,
  type Owner,
  type Version,
} from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

import { withTables } from '../../packages/sqlite/test/with-tables.ts'

/** An engine on a file of its own with two accounts; its servers are not there, and nothing is asked of them. */
export interface BundleStore extends AsyncDisposable {
  readonly engine: Engine
  readonly accountId: AccountId
  /** Of somebody else. */
  readonly otherAccountId: AccountId
  /** What was told of drafts since the last time. */
  events(): readonly string[]
  export(options?: ExportOptions, accountId?: AccountId): Promise<Uint8Array<ArrayBuffer>>
  import(bytes: Uint8Array | string, options?: ImportOptions, accountId?: AccountId): Promise<ImportReport>
  /** All that is stored and can be seen, but for when and under which ids events were told. */
  everything(): Promise<unknown>
}

export const owners: { readonly ann: Owner; readonly bob: Owner } = {
  ann: { tenantId: 'red', userId: 'ann' } as Owner,
  bob: { tenantId: 'blue', userId: 'bob' } as Owner,
}

const hourMs = 3_600_000

export async function openBundleStore(now: () => number = Date.now): Promise<BundleStore> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-bundles-'))
  const file = join(folder, 'everdraft.db')
  const engine = await createEngine({
    storage: withTables(file),
    mailbox: imap(),
    submission: smtp(),
    environment: { now },
    watch: false,
    probe: false,
    timing: {
      uploadDelayMs: hourMs,
      longestUploadDelayMs: hourMs,
      pollMs: hourMs,
      firstBackOffMs: hourMs,
      longestOfflineBackOffMs: hourMs,
    },
  })
  const nowhere = { host: '127.0.0.1', port: 1, security: 'none', user: 'ann', password: 'secret' } as const
  const add = async (owner: Owner, address: string): Promise<AccountId> =>
    (await engine.accounts.add({ address, owner, imap: nowhere, smtp: nowhere })).id
  const accountId = await add(owners.ann, 'ann@example.org')
  const otherAccountId = await add(owners.bob, 'bob@example.org')
  let told: string[] = []
  engine.subscribe({}, ({ type }) => {
    if (/^(?:draft|conflict)-/.test(type)) told.push(type)
  })
  return {
    engine,
    accountId,
    otherAccountId,
    events() {
      const before = told
      told = []
      return before
    },
    async export(options = {}, of = accountId) {
      const { bytes } = await engine.bundles.export(of, options)
      const pieces: Uint8Array[] = []
      for await (const piece of bytes) pieces.push(Buffer.from(piece))
      return new Uint8Array(Buffer.concat(pieces))
    },
    import: (bytes, options = {}, into = accountId) => engine.bundles.import(into, inSlices(bytes), options),
    async everything() {
      const drafts = await Promise.all(
        [accountId, otherAccountId].map(async (of) => {
          const { items } = await engine.drafts.list({ accountId: of, limit: 500 })
          return await Promise.all(
            items.map(async ({ id }) => ({
              draft: await engine.drafts.get(id),
              history: await engine.drafts.history(id),
              conflicts: await engine.drafts.conflicts(id),
            })),
          )
        }),
      )
      return { drafts, figures: (await engine.figures()).drafts }
    },
    async [Symbol.asyncDispose]() {
      await engine.close()
      const left = leftovers(file)
      const { findings } = await inspectStore(sqlite(file))
      await rm(folder, { recursive: true })
      if (left > 0) throw new Error(`${left} rows are left of imports that ended`)
      if (findings.length > 0) throw new Error(`the store is not whole: ${JSON.stringify(findings)}`)
    },
  }
}

/** What was read of bundles and not taken in. */
function leftovers(file: string): number {
  const raw = new DatabaseSync(file)
  const { left } = raw
    .prepare('select (select count(*) from staged_import) + (select count(*) from blob where complete = 0) as left')
    .get() as { left: number }
  raw.close()
  return left
}

/** As from a socket: in pieces that end anywhere. */
async function* inSlices(given: Uint8Array | string): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = typeof given === 'string' ? new TextEncoder().encode(given) : given
  for (let at = 0; at < bytes.length; at += 1_021) yield bytes.subarray(at, at + 1_021)
}

/** A draft that says something in each of its fields, with three versions and two files, one of them only in its past. */
export async function richDraft(
  { engine, accountId }: BundleStore,
  subject = 'Grüße',
  fileBytes = 300_000,
): Promise<Draft> {
  const { id } = await engine.drafts.create({
    accountId,
    from: { address: 'ann@example.org', name: 'Ann Example' },
    to: ['"Bob \\"B.\\" Example" <bob@example.com>', 'unfinished@'],
    cc: 'carl@example.com',
    bcc: 'secret@example.com',
    subject,
    text: 'Hello\nFrom here\n>From there\n\u{1f4ec} ünïcödé\n',
    html: '<p>Hello</p>',
    inReplyTo: '<parent@example.com>',
    references: ['<root@example.com>', '<parent@example.com>'],
    metadata: { mood: { deep: [1, null, 'x'] }, scheduledSendTime: 4_102_444_800_000 },
    tags: ['urgent', 'später'],
  })
  await engine.drafts.attach(id, { filename: 'gone.bin', content: randomBytes(100) })
  const { attachments } = await engine.drafts.get(id)
  const { attachment } = await engine.drafts.attach(id, { filename: 'größe.bin', content: randomBytes(fileBytes) })
  await engine.drafts.detach(id, attachments[0]!.id)
  return await engine.drafts
    .save(id, { text: 'Hello again\nFrom here\n' }, { baseVersion: 4 as Version })
    .then((draft) => {
      if (draft.attachments[0]?.id !== attachment.id) throw new Error('the draft is not as it was made')
      return draft
    })
}
