// Who may import whom, checked over every source file of every package: `node test/boundaries.ts`.
import { globSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import type { ICruiseResult, IForbiddenRuleType } from 'dependency-cruiser'

/** Each layer of the core imports only from the layers before it and from its own. */
const layers: readonly (readonly string[])[] = [
  ['draft', 'responder'],
  ['storage', 'wire'],
  ['sync', 'correlation'],
  ['tasks'],
  ['queue'],
  ['engine', 'draft-manager'],
]

/** A task is named noun-verb, `draft-upload.ts`; what all tasks share has a name of one word, `task.ts`. */
const taskFile = String.raw`^packages/core/src/tasks/([^/]+-[^/]+)\.ts$`

const inLayer = (names: readonly string[]): string => String.raw`^packages/core/src/(${names.join('|')})(/|\.ts$)`

const rules: readonly IForbiddenRuleType[] = [
  {
    name: 'core-is-platform-neutral',
    comment: 'The core runs wherever JavaScript runs: what is of Node comes in through ports.',
    severity: 'error',
    from: { path: '^packages/core/src/' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'core-knows-no-adapter',
    comment: 'Adapters depend on the core, never the other way round.',
    severity: 'error',
    from: { path: '^packages/core/src/' },
    to: { path: '^packages/(?!core/)' },
  },
  ...layers.slice(0, -1).map((names, index): IForbiddenRuleType => ({
    name: `core-${names.join('-')}-imports-down`,
    comment: 'Imports run one way: draft <- storage, wire <- sync <- tasks <- queue <- engine.',
    severity: 'error',
    from: { path: inLayer(names) },
    to: { path: inLayer(layers.slice(index + 1).flat()) },
  })),
  {
    name: 'core-vocabulary-imports-down',
    comment: 'The words that all layers share (ids, errors, events) may speak of drafts, and of nothing above.',
    severity: 'error',
    from: {
      path: String.raw`^packages/core/src/[^/]+\.ts$`,
      pathNot: String.raw`^packages/core/src/(index|engine)\.ts$`,
    },
    to: { path: inLayer(layers.slice(1).flat()) },
  },
  {
    name: 'task-imports-no-task',
    comment: 'A task returns what follows it; the queue stores that in the same transaction.',
    severity: 'error',
    from: { path: taskFile },
    to: { path: taskFile, pathNot: String.raw`/$1\.ts$` },
  },
  {
    name: 'kysely-stays-in-storage',
    comment: 'SQL is written in core/storage; the drivers give it a dialect.',
    severity: 'error',
    from: { path: '^packages/', pathNot: '^packages/(core/src/storage|sqlite|postgres|testkit)/' },
    to: { path: 'node_modules/kysely/' },
  },
  {
    name: 'mailserver-protocol-has-no-io',
    comment:
      'The protocol core of the embedded server is also the simulator’s mailbox: no I/O, not even through a helper.',
    severity: 'error',
    from: { path: '^packages/mailserver/src/(imap|smtp|store|mime)/' },
    to: {
      reachable: true,
      path: '^(node:|(assert|buffer|child_process|crypto|dgram|dns|events|fs|http|http2|https|net|os|path|perf_hooks|process|stream|string_decoder|timers|tls|url|util|worker_threads|zlib)(/|$))',
    },
  },
  {
    name: 'client-is-platform-neutral',
    comment: 'The client runs in browsers and workers, too.',
    severity: 'error',
    from: { path: '^packages/client/src/' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'client-knows-no-engine',
    comment: 'The client knows the daemon by its OpenAPI document alone: nothing of ours comes with it into a page.',
    severity: 'error',
    from: { path: '^packages/client/src/' },
    to: { path: '^packages/(?!client/)' },
  },
  {
    name: 'only-through-the-door',
    comment: 'Another package is imported by its name, which is its index.ts.',
    severity: 'error',
    from: { path: '^packages/([^/]+)/' },
    to: { path: '^packages/', pathNot: String.raw`^packages/($1/|[^/]+/src/index\.ts$)` },
  },
  {
    name: 'product-knows-no-testkit',
    comment: 'What is published does not depend on what tests it.',
    severity: 'error',
    from: { path: '^packages/(?!testkit/)' },
    to: { path: '^packages/testkit/' },
  },
  {
    name: 'no-cycles',
    comment: 'A cycle, even one of types, is two files that are one.',
    severity: 'error',
    from: { path: '^packages/' },
    to: { circular: true },
  },
  {
    name: 'resolvable',
    comment: 'What cannot be resolved cannot be checked.',
    severity: 'error',
    from: { path: '^packages/' },
    to: { couldNotResolve: true },
  },
]

export interface BoundaryCheck {
  /** The source files that were found by looking, and those that the cruiser says it has read. */
  readonly files: readonly string[]
  readonly cruised: readonly string[]
  readonly violations: readonly string[]
}

export async function checkBoundaries(root: string): Promise<BoundaryCheck> {
  const files = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root }).toSorted()
  const folders = [...new Set(files.map((file) => file.split('/').slice(0, 3).join('/')))]
  const { output } = await cruise(
    folders,
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: [...rules] },
      // Types count: a type import binds two files as much as any other.
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '/dist/' },
    },
    { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  )
  const { modules, summary } = output as ICruiseResult
  return {
    files,
    cruised: modules
      .map(({ source }) => source)
      .filter((source) => /^packages\/[^/]+\/src\//.test(source))
      .toSorted(),
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`),
  }
}

/**
 * What is wrong with the result; empty when all is well.
 *
 * The cruiser needs a TypeScript below 7 and without one reads nothing and finds nothing: no violations over no modules
 * is not a success.
 */
export function findings({ files, cruised, violations }: BoundaryCheck): readonly string[] {
  const read = new Set(cruised)
  const unread = files.filter((file) => !read.has(file)).map((file) => `not read by dependency-cruiser: ${file}`)
  const nothing = files.length === 0 ? ['no source files found under packages/*/src'] : []
  return [...nothing, ...unread, ...violations]
}

if (import.meta.main) {
  const check = await checkBoundaries(dirname(dirname(fileURLToPath(import.meta.url))))
  const wrong = findings(check)
  for (const finding of wrong) console.error(finding)
  console.log(
    `boundaries: ${check.cruised.length} modules read of ${check.files.length} source files, ${wrong.length} findings`,
  )
  if (wrong.length > 0 || check.cruised.length !== check.files.length) process.exitCode = 1
}
