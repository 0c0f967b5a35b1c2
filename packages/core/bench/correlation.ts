import { distance } from 'fastest-levenshtein'

import { quantile } from '../../testkit/bench/statistics.ts'
import { count, ratio, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { createDraftIndex, type DraftIndex } from '../src/correlation/draft-index.ts'
import type { DraftTrace, SentMail } from '../src/correlation/evidence.ts'
import { ownText } from '../src/correlation/own-text.ts'
import { type Likelihood, likelihoodsOf, readMail } from '../src/correlation/pairing.ts'
import { draftOf, type Kind, kinds, mailOf, people, templates } from './made-up-mailbox.ts'
import { measureSentToOutcome, type SentToOutcome } from './sent-to-outcome.ts'

const plans = {
  full: { drafts: 10_000, mails: 200, cold: 5, compared: 5 },
  quick: { drafts: 300, mails: 4, cold: 1, compared: 1 },
} as const

type Plan = (typeof plans)[keyof typeof plans]

/** One sent mail against many open drafts: by the index, and by comparing it with each of them. */
export const correlation: Suite = {
  name: 'correlation',
  async run({ quick, say }) {
    const plan = quick ? plans.quick : plans.full
    const drafts = Array.from({ length: plan.drafts }, (_, at) => draftOf(at))
    const started = performance.now()
    const index = createDraftIndex()
    for (const draft of drafts) index.put(draft)
    const builtMs = performance.now() - started
    say(`index of ${plan.drafts} drafts: ${builtMs.toFixed(0)} ms`)
    const texts = drafts.map(({ versions: [first] }) => ownText(first))
    const rows = (Object.keys(kinds) as Kind[]).map((kind) => {
      const measured = measure(plan, kind, index, { drafts, texts })
      say(`${kinds[kind]}: ${measured.at(2)} ms`)
      return measured
    })
    const stored = await measureSentToOutcome(plan)
    say(`from the mail to the stored outcome: ${quantile(stored.warmMs, 0.5).toFixed(1)} ms`)
    return section(plan, rows, { builtMs, stored })
  },
}

interface AllDrafts {
  readonly drafts: readonly DraftTrace[]
  readonly texts: readonly string[]
}

function measure(plan: Plan, kind: Kind, index: DraftIndex, { drafts, texts }: AllDrafts): readonly string[] {
  const chosen = Array.from({ length: plan.mails }, (_, at) => Math.floor((at * 7_919) % plan.drafts))
  // What runs first is compiled meanwhile.
  for (const at of chosen.slice(0, 20)) find(index, mailOf(at, kind))
  const times: number[] = []
  let right = 0
  for (const at of chosen) {
    const mail = mailOf(at, kind)
    const from = performance.now()
    const found = find(index, mail).toSorted((a, b) => b.score - a.score)
    times.push(performance.now() - from)
    if (found[0]?.draftId === (kind === 'unrelated' ? undefined : drafts[at]?.draftId)) right += 1
  }
  const theirs: number[] = []
  let nearest = 0
  for (const at of chosen.slice(0, plan.compared)) {
    const mail = mailOf(at, kind)
    const from = performance.now()
    const text = ownText(mail.content)
    let best = { at: -1, distance: Infinity }
    for (const [other, drafted] of texts.entries()) {
      const apart = distance(text, drafted)
      if (apart < best.distance) best = { at: other, distance: apart }
    }
    theirs.push(performance.now() - from)
    if (best.at === at && kind !== 'unrelated') nearest += 1
  }
  const [ours, peer] = [quantile(times, 0.5), quantile(theirs, 0.5)]
  return [
    kinds[kind],
    ours.toFixed(2),
    quantile(times, 0.95).toFixed(2),
    Math.max(...times).toFixed(2),
    `${Math.round((100 * right) / chosen.length)} %`,
    count(peer),
    kind === 'unrelated' ? '–' : `${nearest} of ${theirs.length}`,
    ratio(peer / ours),
  ]
}

function find(index: DraftIndex, mail: SentMail): readonly Likelihood[] {
  const read = readMail(mail)
  return likelihoodsOf(index.candidates(read), read)
}

function section(
  plan: Plan,
  rows: readonly (readonly string[])[],
  { builtMs, stored }: { readonly builtMs: number; readonly stored: SentToOutcome },
): Section {
  return {
    title: 'Finding the draft of a sent mail',
    intro: `One mail from Sent against ${count(plan.drafts)} open drafts, half of them made from ${templates} templates and different in a number, to ${count(people)} people. The first table: from the parsed mail to the drafts that it may have been, each with its evidence, for ${plan.mails} mails of each kind. Beside it: the distance of its own words from those of every draft by fastest-levenshtein, for ${plan.compared} of them. The second: from the bytes of a mail, whose draft has vanished from Drafts, to the outcome on the disk, by the task itself; of the server there is only what it says.`,
    settings: [
      `The index was made once, in ${count(builtMs)} ms.`,
      'What a look into Sent has read of the drafts is remembered for the next one, where the store belongs to one process (SQLite). After a start, and on PostgreSQL at each look, all is read.',
    ],
    tables: [
      {
        caption: 'Milliseconds for one mail',
        columns: ['mail', 'index, p50', 'p95', 'longest', 'right', 'all pairs, p50', 'nearest is right', 'ratio'],
        rows,
      },
      {
        caption: 'Milliseconds from the mail to the stored outcome',
        columns: ['look', 'p50', 'p95', 'longest', 'mails', 'target for p95'],
        rows: [
          storedRow('one after another', stored.warmMs, '≤ 20'),
          storedRow('the first after a start', stored.coldMs, '–'),
        ],
      },
    ],
    notes: [
      'Of a mail that comes from no draft it is right to find none. The nearest text is always some draft’s.',
      `Of the ${stored.warmMs.length + stored.coldMs.length} mails of the second table, ${stored.right} were found to be the drafts that they were.`,
    ],
  }
}

function storedRow(name: string, times: readonly number[], target: string): readonly string[] {
  const figures = [quantile(times, 0.5), quantile(times, 0.95), Math.max(...times)].map((ms) => ms.toFixed(1))
  return [name, ...figures, String(times.length), target]
}
