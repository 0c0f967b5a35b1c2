import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { checkBoundaries, findings } from './boundaries.ts'

const roots: string[] = []

afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true })
})

/** A small workspace: path → source. */
async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'everdraft-boundaries-'))
  roots.push(root)
  for (const [path, source] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), source)
  }
  return root
}

const imports = (path: string): string => `import * as it from '${path}'\nexport const used = it\n`
const leaf = 'export const leaf = 1\n'
const kysely = {
  'node_modules/kysely/package.json': '{"name":"kysely","main":"index.js"}',
  'node_modules/kysely/index.js': 'exports.sql = 1\n',
}

const clean = {
  ...kysely,
  'packages/core/src/index.ts': imports('./engine.ts'),
  'packages/core/src/engine.ts': imports('./queue/queue.ts'),
  'packages/core/src/queue/queue.ts': imports('../tasks/registry.ts'),
  'packages/core/src/tasks/registry.ts': imports('./draft-save.ts'),
  'packages/core/src/tasks/draft-save.ts': imports('../storage/drafts.ts') + `export * from './task.ts'\n`,
  'packages/core/src/tasks/task.ts': leaf,
  'packages/core/src/storage/drafts.ts': imports('kysely') + `export type { leaf } from '../draft/draft.ts'\n`,
  'packages/core/src/draft/draft.ts': imports('../ids.ts'),
  'packages/core/src/ids.ts': leaf,
  'packages/sqlite/src/index.ts': imports('../../core/src/index.ts') + `export * as net from 'node:net'\n`,
}

test('a tree that keeps to the rules has no findings', async () => {
  const check = await checkBoundaries(await tree(clean))
  expect(findings(check)).toEqual([])
  expect(check.cruised.length).toBe(Object.keys(clean).length - Object.keys(kysely).length)
})

test.each<[rule: string, files: Readonly<Record<string, string>>]>([
  ['core-is-platform-neutral', { 'packages/core/src/sync/plan.ts': imports('node:crypto') }],
  ['core-is-platform-neutral', { 'packages/core/src/sync/plan.ts': imports('crypto') }],
  [
    'core-is-platform-neutral',
    { 'packages/core/src/sync/plan.ts': `import type { Socket } from 'node:net'\nexport type S = Socket\n` },
  ],
  ['core-knows-no-adapter', { 'packages/core/src/sync/plan.ts': imports('../../../sqlite/src/index.ts') }],
  [
    'core-draft-responder-imports-down',
    { 'packages/core/src/draft/draft.ts': imports('../wire/mailbox.ts'), 'packages/core/src/wire/mailbox.ts': leaf },
  ],
  [
    'core-storage-wire-imports-down',
    { 'packages/core/src/storage/drafts.ts': imports('../sync/plan.ts'), 'packages/core/src/sync/plan.ts': leaf },
  ],
  [
    'core-storage-wire-imports-down',
    {
      'packages/core/src/storage/drafts.ts': `import type { leaf } from '../sync/plan.ts'\nexport type L = typeof leaf\n`,
      'packages/core/src/sync/plan.ts': leaf,
    },
  ],
  ['core-sync-correlation-imports-down', { 'packages/core/src/sync/plan.ts': imports('../tasks/task.ts') }],
  [
    'core-tasks-imports-down',
    { 'packages/core/src/tasks/draft-upload.ts': imports('../queue/lane.ts'), 'packages/core/src/queue/lane.ts': leaf },
  ],
  ['core-queue-imports-down', { 'packages/core/src/queue/lane.ts': imports('../engine.ts') }],
  [
    'core-queue-imports-down',
    { 'packages/core/src/queue/lane.ts': imports('../engine/api.ts'), 'packages/core/src/engine/api.ts': leaf },
  ],
  [
    'core-vocabulary-imports-down',
    { 'packages/core/src/ids.ts': imports('./wire/mailbox.ts'), 'packages/core/src/wire/mailbox.ts': leaf },
  ],
  ['task-imports-no-task', { 'packages/core/src/tasks/draft-upload.ts': imports('./draft-save.ts') }],
  ['kysely-stays-in-storage', { 'packages/core/src/sync/plan.ts': imports('kysely') }],
  ['kysely-stays-in-storage', { 'packages/daemon/src/index.ts': imports('kysely') }],
  ['mailserver-protocol-has-no-io', { 'packages/mailserver/src/imap/session.ts': imports('node:net') }],
  [
    'mailserver-protocol-has-no-io',
    {
      'packages/mailserver/src/store/store.ts': imports('../clock.ts'),
      'packages/mailserver/src/clock.ts': imports('node:timers'),
    },
  ],
  ['client-is-platform-neutral', { 'packages/client/src/index.ts': imports('node:http') }],
  ['client-knows-no-engine', { 'packages/client/src/index.ts': imports('../../core/src/index.ts') }],
  ['only-through-the-door', { 'packages/daemon/src/index.ts': imports('../../core/src/ids.ts') }],
  [
    'product-knows-no-testkit',
    { 'packages/mail/src/index.ts': imports('../../testkit/src/index.ts'), 'packages/testkit/src/index.ts': leaf },
  ],
  ['no-cycles', { 'packages/mail/src/a.ts': imports('./b.ts'), 'packages/mail/src/b.ts': imports('./a.ts') }],
  ['resolvable', { 'packages/mail/src/a.ts': imports('./gone.ts') }],
])('%s is found when it is broken (case %#)', async (rule, files) => {
  const found = findings(await checkBoundaries(await tree({ ...clean, ...files })))
  expect(found.map((finding) => finding.split(':')[0])).toContain(rule)
})

test('a cruiser that reads nothing is a failure, not a clean result', async () => {
  const check = await checkBoundaries(await tree(clean))
  expect(findings({ ...check, cruised: [] }).length).toBe(check.files.length)
  expect(findings({ files: [], cruised: [], violations: [] }).length).toBe(1)
})
