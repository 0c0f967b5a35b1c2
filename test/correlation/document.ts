import { verdicts } from '../../packages/core/src/responder/outcome.ts'
import { acts } from './edits.ts'
import type { ForeignClient } from './foreign-client.ts'
import { foreignClients } from './foreign-clients/all.ts'
import type { Judged, Judgement } from './judge.ts'

/** docs/correlation.md. The figures are those of the corpora that the gate is held on. */
export function correlationDocument(judgement: Judgement, seeds: readonly string[]): string {
  const { cases, pairs, found, sure, probable, doubled, judged } = judgement
  return [
    '# Which draft became which sent mail',
    prose,
    '## How well it does',
    `Written by \`node test/correlation/write-document.ts\`, and a test looks whether it is what comes out now. The mailboxes are made up from ${seeds.length} seeds that nothing was tuned on: ${cases} drafts, which ${foreignClients.length} programs send, change, leave or delete in ${acts.length} ways. Every message is composed, stored and read as bytes. They show that what is known of these programs is dealt with, and not how people write.`,
    table(
      ['', 'named', 'right', 'precision'],
      [
        ['exact and strong', `${sure.named}`, `${sure.right}`, percent(sure.right, sure.named)],
        ['probable', `${probable.named}`, `${probable.right}`, percent(probable.right, probable.named)],
      ],
    ),
    `Of ${pairs} drafts that were sent, ${found} were found: a recall of ${percent(found, pairs)}. Mails that two drafts were said to have become: ${doubled}. The gate: 99.5 % precision of exact and strong, 95 % recall, none doubled.`,
    '### Verdicts',
    'Down: what is true. Across: what was said.',
    table(
      ['', ...verdicts],
      verdicts
        .filter((truth) => judged.some(({ labelled }) => labelled.verdict === truth))
        .map((truth) => [
          truth,
          ...verdicts.map((said) =>
            count(judged, (one) => one.labelled.verdict === truth && one.given.verdict === said),
          ),
        ]),
    ),
    '### By program',
    'What each does to a draft, and by which evidence the drafts that it sent were found.',
    table(
      ['program', 'Message-ID', 'other fields', 'references', 'body', 'exact', 'strong', 'probable', 'missed'],
      foreignClients.map((client) => {
        const ofClient = judged.filter(({ labelled }) => labelled.client === client.name && labelled.sentKey !== null)
        return [client.name, idOf(client), client.unknownFields, client.references, client.style, ...classes(ofClient)]
      }),
    ),
    '### By what was done',
    table(
      ['what', 'exact', 'strong', 'probable', 'missed', 'wrong'],
      acts.map((act) => {
        const ofAct = judged.filter(({ labelled }) => labelled.act === act)
        const sent = ofAct.filter(({ labelled }) => labelled.sentKey !== null)
        const wrong = count(ofAct, ({ given, isRight }) => given.pairing !== null && !isRight)
        return [act, ...classes(sent), wrong]
      }),
    ),
  ]
    .join('\n\n')
    .concat('\n')
}

const prose = `A program writes a draft, a person sends it from whatever mail program they like, and that program may keep nothing of what the draft was known by. \`packages/core/src/correlation\` looks at all drafts and all sent mails at once. The evidence, the surest first; of each mail only the surest counts:

1. **exact**: we sent it ourselves; the server says that it is the same message (EMAILID, X-GM-MSGID); its Message-ID, the one that a provider has replaced, or \`X-Everdraft-Id\` is one of ours.
2. **strong**: its Message-ID is that of another program's edit of the draft, which was seen in Drafts.
3. **probable**: it answers the same mail (or answers none, and has the same subject), from and to the same people, and the draft vanished from Drafts within 15 minutes of its date; or it says much the same: runs of three words, outside quote and signature, with the subject, the people, the files and the time weighed in. An answer to another mail, or to none of those people, is none of it, whatever it says.

\`draft-index.ts\` finds the few drafts that a mail may come from, \`pairing.ts\` weighs each, and \`assignment.ts\` pairs them so that all together is worth the most: one draft has at most one mail, and one mail at most one draft. Where nothing tells two drafts apart, neither is named. Asked again when more is known, it may answer otherwise: a surer pair takes the place of a weaker one.

What is compared is what the author wrote (\`own-text.ts\`): without quotes and the lines that announce them in some twenty languages, signatures, and what phones put below. The libraries for that were looked at and not taken: email-reply-parser imports a module of Node, takes "Cheers," for the beginning of a signature and backtracks over whole mails without a native module beside it; planer has seen no change in years and leaves signatures in.

The verdict: \`sent-unchanged\` or \`sent-edited\` (subject, words, people or files differ; quote and signature do not count), \`replied-without-draft\` (the mail was answered, not by the draft), \`discarded\` (it is gone and nothing went), \`pending\` (it is still there), \`unknown\` (gone, and its mail may still show up, or two drafts claim it).

What cannot be known: who deletes a draft and sends an answer of their own within a few minutes looks like somebody who has rewritten it; and who rewrites a draft in a program that keeps neither ids nor threads, to the last word, leaves nothing to know it by.`

function idOf({ messageId, originalIdField }: ForeignClient): string {
  if (originalIdField !== null) return `new, ours in ${originalIdField}`
  const saved = messageId.saved === 'kept' ? 'kept' : 'new with each save'
  return messageId.sent === 'of-the-save' ? `${saved}, then kept` : messageId.sent === messageId.saved ? saved : 'new'
}

function classes(sent: readonly Judged[]): readonly string[] {
  const found = sent.filter(({ isRight }) => isRight)
  const of = (name: string): string => count(found, ({ given }) => given.pairing?.class === name)
  return [of('exact'), of('strong'), of('probable'), `${sent.length - found.length}`]
}

function count(judged: readonly Judged[], is: (one: Judged) => boolean): string {
  return `${judged.filter(is).length}`
}

function percent(part: number, whole: number): string {
  // Rounded down: nothing is better than it is.
  return `${(Math.floor((part / whole) * 10_000) / 100).toFixed(2)} %`
}

/** Laid out as the formatter wants it. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) => Math.max(3, column.length, ...rows.map((row) => (row[at] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
