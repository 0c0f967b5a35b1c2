import { distance } from 'fastest-levenshtein'

import { prose } from '../../testkit/bench/prose.ts'
import { quantile } from '../../testkit/bench/statistics.ts'
import { count, ratio, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { createDraftIndex, type DraftIndex } from '../src/correlation/draft-index.ts'
import type { DraftTrace, MailText, SentMail } from '../src/correlation/evidence.ts'
import { ownText } from '../src/correlation/own-text.ts'
import { type Likelihood, likelihoodsOf, readMail } from '../src/correlation/pairing.ts'
import type { MessageId, Umid } from '../src/ids.ts'

const plans = {
  full: { drafts: 10_000, mails: 200, compared: 5 },
  quick: { drafts: 300, mails: 4, compared: 1 },
} as const

type Plan = (typeof plans)[keyof typeof plans]

const begin = Date.UTC(2026, 9, 1)
const people = 1_000
const templates = 5

/** What a mail in Sent still tells of the draft that it was. */
const kinds = {
  named: 'our Message-ID kept',
  threaded: 'ids dropped, edited, thread kept',
  unthreaded: 'ids and thread dropped, edited',
  unrelated: 'of no draft',
} as const

type Kind = keyof typeof kinds

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
    return section(plan, rows, builtMs)
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

/** Half of them from a few templates, with a number in them; each answers a mail of its own. */
function draftOf(at: number): DraftTrace {
  return {
    draftId: `draft ${at}` as Umid,
    createdAt: begin + at * 1_000,
    token: tokenOf(at),
    sentMark: null,
    uploadIds: [uploadId(at)],
    successorIds: [],
    submissionIds: [],
    serverIds: [],
    versions: [textOf(at)],
    whereabouts: { kind: 'there', seenAt: begin + at * 1_000 },
  }
}

function textOf(at: number): MailText {
  const isTemplate = at % 2 === 0
  const said = isTemplate ? `${prose(700, at % templates)}Number ${at}\n` : prose(500 + (at % 700), 1_000 + at)
  return {
    from: { name: 'Ann Example', address: 'ann@example.org' },
    to: [{ name: '', address: `bob${at % people}@example.com` }],
    cc: [],
    bcc: [],
    subject: `Re: ${isTemplate ? `Order ${at % templates}` : `About ${at}`}`,
    text: `${said}\nOn 2 Nov 2026, Bob wrote:\n> ${prose(300, 500_000 + at)
      .trim()
      .replaceAll('\n', '\n> ')}\n`,
    html: null,
    inReplyTo: parentOf(at),
    references: [parentOf(at)],
    attachments: [],
  }
}

function mailOf(at: number, kind: Kind): SentMail {
  const drafted = textOf(kind === 'unrelated' ? at + 1_000_000 : at)
  const thread = kind === 'unthreaded' ? { inReplyTo: null, references: [] } : {}
  return {
    key: 'sent',
    messageId: kind === 'named' ? uploadId(at) : (`<${at}@mail.example.org>` as MessageId),
    originalIds: [],
    everdraftId: null,
    serverIds: [],
    sentAt: begin + at * 1_000 + 60_000,
    content: { ...drafted, ...thread, text: `A word before it.\n${drafted.text.replace(/^\S+/, 'Changed')}` },
  }
}

function tokenOf(at: number): string {
  return at.toString(16).padStart(32, '0')
}

function uploadId(at: number): MessageId {
  return `<0123456789ab.${tokenOf(at)}@example.org>` as MessageId
}

function parentOf(at: number): MessageId {
  return `<question-${at}@example.com>` as MessageId
}

function section(plan: Plan, rows: readonly (readonly string[])[], builtMs: number): Section {
  return {
    title: 'Finding the draft of a sent mail',
    intro: `One mail from Sent against ${count(plan.drafts)} open drafts, half of them made from ${templates} templates and different in a number, to ${count(people)} people. Measured from the parsed mail to the drafts that it may have been, each with its evidence, for ${plan.mails} mails of each kind. Beside it: the distance of its own words from those of every draft by fastest-levenshtein, for ${plan.compared} of them.`,
    settings: [`The index was made once, in ${count(builtMs)} ms.`],
    tables: [
      {
        caption: 'Milliseconds for one mail',
        columns: ['mail', 'index, p50', 'p95', 'longest', 'right', 'all pairs, p50', 'nearest is right', 'ratio'],
        rows,
      },
    ],
    notes: ['Of a mail that comes from no draft it is right to find none. The nearest text is always some draft’s.'],
  }
}
