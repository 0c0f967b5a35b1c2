import { randomBytes } from 'node:crypto'

import { type RunningServer, type ServerName, startServer } from '@everdraft/testkit'

import { count, ratio, type Section, type Suite, type SuiteOptions } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { bareSide, type Sent } from './bare-side.ts'
import { engineSide, type Upload } from './engine-side.ts'
import type { SentCommand } from './recorded-line.ts'
import { onEachServer } from './on-each-server.ts'

const titles: Readonly<Record<ServerName, string>> = {
  dovecot24: 'Dovecot 2.4',
  cyrus310: 'Cyrus 3.10',
  dovecot23: 'Dovecot 2.3',
  greenmail: 'GreenMail',
}

const textBytes = 2_300
const plans = {
  full: { attachmentBytes: 10 * 1024 * 1024, edits: 10 },
  quick: { attachmentBytes: 64 * 1024, edits: 2 },
} as const

/**
 * Bytes that bare commands sent for ten edits beside an attachment of 10 MiB, measured once with messages of a few header
 * fields: what each method costs at least. The first save had 14,351,490 with each of them.
 */
const references = {
  'append-catenate': { title: 'APPEND CATENATE, then STORE and UID EXPUNGE', tenEdits: 27_081 },
  'replace-catenate': { title: 'UID REPLACE with CATENATE', tenEdits: 26_540 },
  replace: { title: 'UID REPLACE', tenEdits: 143_515_868 },
  append: { title: 'APPEND, then STORE and UID EXPUNGE', tenEdits: 143_516_409 },
} as const

/** What a server is sent for a draft with an attachment, and for each edit of its text. */
export const bytesPerEdit: Suite = {
  name: 'bytes',
  async run(options) {
    const servers = Object.entries(titles) as [ServerName, string][]
    const { measured, missing } = await onEachServer(servers, options.say, (name, title) =>
      measure(name, title, options),
    )
    return section(measured, missing, options)
  },
}

interface Measured {
  readonly title: string
  readonly engine: Side
  readonly bare: Side
  /** The engine on a compressed line; null where the server has no COMPRESS. */
  readonly compressed: Side | null
  readonly method: Upload['method']
  /** What the server can do decides what the engine is held against, whatever it did. */
  readonly catenate: boolean
}

interface Side {
  readonly first: Sent
  readonly edits: readonly Sent[]
}

/** Edit by edit, the engine first and then the bare commands with the very same texts, each on a mailbox of its own. */
async function measure(name: ServerName, title: string, { quick }: SuiteOptions): Promise<Measured> {
  const { attachmentBytes, edits } = quick ? plans.quick : plans.full
  const server = await startServer(name)
  try {
    await using engine = await engineSide(server, { compress: false })
    await using bare = await bareSide(server)
    const first = await engine.firstSave(randomWords(textBytes), randomBytes(attachmentBytes))
    const sides = {
      engine: { first: withoutLiterals(first), edits: [] as Sent[] },
      bare: { first: withoutLiterals(await bare.firstSave(storing(first.commands))), edits: [] as Sent[] },
    }
    let method: Upload['method'] = first.method
    for (let edit = 0; edit < edits; edit += 1) {
      const upload = await engine.edit(randomWords(textBytes))
      method = upload.method
      sides.engine.edits.push(withoutLiterals(upload))
      sides.bare.edits.push(withoutLiterals(await bare.edit(storing(upload.commands))))
    }
    const { catenate, compress } = server.supports
    const compressed = compress ? await compressedSide(server, attachmentBytes, edits) : null
    return { title, method, catenate, compressed, ...sides }
  } finally {
    await server.stop()
  }
}

/** Other words of the same length: it is the number of bytes that counts. */
async function compressedSide(server: RunningServer, attachmentBytes: number, edits: number): Promise<Side> {
  await using engine = await engineSide(server, { compress: true })
  const first = await engine.firstSave(randomWords(textBytes), randomBytes(attachmentBytes))
  const uploads: Sent[] = []
  for (let edit = 0; edit < edits; edit += 1) uploads.push(await engine.edit(randomWords(textBytes)))
  return { first, edits: uploads }
}

function storing(commands: readonly SentCommand[]): SentCommand {
  const [command, ...others] = commands.filter(({ name }) => name === 'APPEND' || name === 'UID REPLACE')
  if (command === undefined || others.length > 0) throw new Error('not one command stored the draft')
  return command
}

/** Megabytes that nobody reads any more. */
function withoutLiterals({ bytes, commands }: Sent): Sent {
  return { bytes, commands: commands.map((command) => ({ ...command, literals: [] })) }
}

function section(measured: readonly Measured[], missing: readonly string[], { quick }: SuiteOptions): Section {
  const { attachmentBytes, edits } = quick ? plans.quick : plans.full
  return {
    title: 'Bytes per edit',
    intro: `A draft with one attachment of ${count(attachmentBytes / 1024)} KiB that cannot be compressed, then ${edits} edits, each a new text of ${count(textBytes)} bytes. Bytes from client to server, counted by a proxy: every command, not only the message. Without compression on the line, unless it says so.`,
    settings: [
      'engine: `save` and `flush` for each edit, until the copy before it is gone; the first save counts from the connecting. No round over the folder falls between the edits (by default there is one every five minutes)',
      'bare: the same messages, to the byte, with the fewest commands that store them and remove the copy before: APPEND (with BINARY and CATENATE where the engine used it), UID STORE, UID EXPUNGE; nothing is looked up and nothing is checked',
      ...(quick
        ? []
        : [
            `reference: what bare commands sent for ten edits in an earlier measurement, with shorter headers: ${referenceList()}. Held against: the first where the server has CATENATE, else the last. Of the engine’s header some 200 bytes are what a copy is known by (Message-ID, X-Everdraft-Id, X-Everdraft-Base), and some 160 of its commands are the questions before and after, so that nothing is quoted or removed that is not ours`,
          ]),
    ],
    tables: [
      {
        caption: `First save and ${edits} edits`,
        columns: [
          'server',
          'method',
          'side',
          'first save',
          `${edits} edits`,
          'per edit',
          'round trips per edit',
          'engine ÷ bare',
          ...(quick ? [] : ['÷ reference']),
        ],
        rows: measured.flatMap((one) => rowsOf(one, quick)),
      },
      {
        caption: 'What the engine sends in an edit, by command, in bytes (round trips)',
        columns: ['command', ...measured.map(({ title }) => title)],
        rows: commandRows(measured),
      },
    ],
    notes: [
      ...measured
        .filter(({ catenate }) => !catenate)
        .map(
          ({ title }) =>
            `${title} cannot take over parts of a message (CATENATE): each edit sends the attachment again.`,
        ),
      ...missing.map((title) => `${title} was not measured: it cannot be had on the machine of this run.`),
    ],
  }
}

function rowsOf(measured: Measured, quick: boolean): readonly (readonly string[])[] {
  const { title, method, catenate, engine, bare, compressed } = measured
  const bareEdits = total(bare.edits)
  const reference = references[catenate ? 'append-catenate' : 'append'].tenEdits
  const sides = { engine, bare, ...(compressed ? { 'engine, COMPRESS': compressed } : {}) }
  return Object.entries(sides).map(([name, { first, edits }]) => {
    const bytes = total(edits)
    const trips = edits.flatMap(({ commands }) => commands).reduce((sum, { roundTrips }) => sum + roundTrips, 0)
    return [
      title,
      method,
      name,
      count(first.bytes),
      count(bytes),
      count(bytes / edits.length),
      // Nobody can read along on a compressed line; the commands are the same.
      trips === 0 ? '' : ratio(trips / edits.length),
      name === 'bare' ? '' : ratio(bytes / bareEdits),
      ...(quick ? [] : [ratio(bytes / reference)]),
    ]
  })
}

function commandRows(measured: readonly Measured[]): readonly (readonly string[])[] {
  const names = new Set(
    measured.flatMap(({ engine }) => engine.edits.flatMap(({ commands }) => commands)).map(({ name }) => name),
  )
  return [...names].map((name) => [
    name,
    ...measured.map(({ engine }) => {
      const edits = engine.edits.length
      const commands = engine.edits.flatMap((edit) => edit.commands).filter((command) => command.name === name)
      if (commands.length === 0) return ''
      const bytes = commands.reduce((sum, command) => sum + command.bytes, 0)
      const trips = commands.reduce((sum, command) => sum + command.roundTrips, 0)
      return `${count(bytes / edits)} (${Number((trips / edits).toFixed(1))})`
    }),
  ])
}

function total(uploads: readonly Sent[]): number {
  return uploads.reduce((sum, { bytes }) => sum + bytes, 0)
}

function referenceList(): string {
  return Object.values(references)
    .map(({ title, tenEdits }) => `${title} ${count(tenEdits)}`)
    .join('; ')
}
