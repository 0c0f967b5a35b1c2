// Every benchmark: pnpm bench [--quick] [suite …]. What is measured, and not only tried, is written to docs/benchmarks.md.
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'

import { correlation } from '../../core/bench/correlation.ts'
import { draftManager } from '../../daemon/bench/draft-manager.ts'
import { rest } from '../../daemon/bench/rest.ts'
import { answering } from '../../mail/bench/answering.ts'
import { bytesPerEdit } from '../../mail/bench/bytes-per-edit.ts'
import { bytesToSend } from '../../mail/bench/bytes-to-send.ts'
import { composing } from '../../mail/bench/composing.ts'
import { firstSync } from '../../mail/bench/first-sync.ts'
import { idleAccounts } from '../../mail/bench/idle-accounts.ts'
import { latency } from '../../mail/bench/latency.ts'
import { sending } from '../../mail/bench/sending.ts'
import { attachment } from '../../sqlite/bench/attachment.ts'
import { figures } from '../../sqlite/bench/figures.ts'
import { groupCommit } from '../../sqlite/bench/group-commit.ts'
import { queue } from '../../sqlite/bench/queue.ts'
import { reference } from '../../sqlite/bench/reference.ts'
import { saves } from '../../sqlite/bench/saves.ts'
import { scale } from '../../sqlite/bench/scale.ts'
import { documentOf, sectionOf } from './document.ts'
import type { Section, Suite } from './suite.ts'

const suites: readonly Suite[] = [
  saves,
  groupCommit,
  reference,
  queue,
  scale,
  attachment,
  firstSync,
  bytesPerEdit,
  bytesToSend,
  composing,
  latency,
  answering,
  sending,
  idleAccounts,
  figures,
  draftManager,
  rest,
  correlation,
]

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name))
if (unknown.length > 0) {
  throw new Error(`no suite ${unknown.join(', ')}: there are ${suites.map((suite) => suite.name).join(', ')}`)
}

const chosen = suites.filter((suite) => positionals.length === 0 || positionals.includes(suite.name))
const sections: Section[] = []
for (const suite of chosen) {
  const started = performance.now()
  const say = (line: string): void => void process.stderr.write(`${suite.name}: ${line}\n`)
  const section = await suite.run({ quick: values.quick, say })
  say(`${((performance.now() - started) / 1000).toFixed(0)} s`)
  sections.push(section)
  process.stdout.write(`${sectionOf(section).join('\n\n')}\n\n`)
}

if (values.quick) process.stdout.write('A quick run: it shows that everything works, and measures nothing.\n')
else {
  const document = new URL('../../../docs/benchmarks.md', import.meta.url)
  // Without those of an earlier shape, where all are measured.
  const before = chosen.length === suites.length ? '' : await readFile(document, 'utf8')
  await writeFile(document, documentOf(sections, before))
}
