import type { Attachment, Draft, Umid, Version } from '@everdraft/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type Command, type FakeMailbox, type Fault, sha256 } from '../../../core/test/fake-mailbox.ts'
import { codeOf, type FakeDevice, seededRandom, type SuiteStorage } from '../harness.ts'

/** What the user was told is stored. */
interface Known {
  readonly id: Umid
  /** By version, from 1. */
  readonly texts: string[]
  attachments: readonly Attachment[]
  status: 'draft' | 'discarded'
}

type DraftAct = 'save' | 'stale-save' | 'attach' | 'detach' | 'discard' | 'undiscard' | 'restore' | 'flush' | 'many'

type Act =
  | { readonly kind: 'create' | 'sync' | 'restart' }
  | { readonly kind: DraftAct; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'weather'; readonly weather: Weather }

type Weather = 'fine' | 'cuts' | 'refusals' | 'offline' | 'everything'

const which = fc.nat({ max: 5 })
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...([
          'save',
          'save',
          'save',
          'stale-save',
          'attach',
          'attach',
          'detach',
          'discard',
          'undiscard',
          'restore',
          'flush',
        ] as const),
      ),
      which,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('many' as const), which }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 1_500, 40_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('sync' as const, 'sync' as const, 'restart' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('weather' as const),
      weather: fc.constantFrom<Weather>('fine', 'cuts', 'refusals', 'offline', 'everything'),
    }),
  },
)

const life = fc.record({
  seed: fc.nat(),
  acts: fc.array(act, { minLength: 10, maxLength: 50, size: 'max' }),
  uidPlus: fc.boolean(),
  catenate: fc.boolean(),
  replace: fc.boolean(),
})

function faults(seed: number): (weather: Weather, command: Command) => Fault | null {
  const random = seededRandom(seed)
  const chance = (percent: number) => (random(1)[0] ?? 0) < (percent * 256) / 100
  return (weather, command) => {
    if (weather === 'fine') return null
    if (weather === 'offline') return { cut: 'before', code: 'UNREACHABLE' }
    if (weather !== 'refusals' && chance(12)) return { cut: chance(50) ? 'before' : 'after' }
    const changes = command === 'append' || command === 'replace' || command === 'mark' || command === 'expunge'
    if (weather !== 'cuts' && changes && chance(20)) return { refuse: chance(50) ? 'UNAVAILABLE' : 'OVERQUOTA' }
    return null
  }
}

const foreignText = 'somebody else’s draft, marked as deleted by them and not yet removed'

/** A message that is none of ours, marked \Deleted: a plain EXPUNGE would take it. */
function addForeign(mailbox: FakeMailbox): number {
  const folder = mailbox.folder('Drafts')
  const said = {
    messageId: '<foreign@example.net>',
    headers: {},
    content: {
      from: null,
      to: [],
      cc: [],
      bcc: [],
      subject: 'theirs',
      inReplyTo: null,
      references: [],
      text: foreignText,
      html: null,
    },
    attachments: [],
  }
  const uid = folder.uidNext
  folder.uidNext += 1
  folder.messages.set(uid, {
    bytes: new TextEncoder().encode(`${JSON.stringify(said)}\n`),
    flags: new Set(['\\deleted']),
  })
  return uid
}

const hashes = (attachments: readonly { readonly sha256: string }[]) => attachments.map((one) => one.sha256).toSorted()

async function live(device: FakeDevice, { seed, acts }: { readonly seed: number; readonly acts: readonly Act[] }) {
  const known: Known[] = []
  const fault = faults(seed)
  let weather: Weather = 'fine'
  let words = 0
  const { mailbox } = device
  mailbox.fault = (command) => fault(weather, command)
  const drafts = () => device.engine.drafts
  const nextText = () => `text ${(words += 1)}\n`
  const once = new Set<Umid>()

  function told(one: Known, draft: Draft): void {
    expect(draft.version).toBe(one.texts.length)
    expect(draft.text).toBe(one.texts.at(-1))
    one.attachments = draft.attachments
  }

  async function carryOut(one: Known, kind: DraftAct): Promise<void> {
    const { id, texts } = one
    const base = texts.length as Version
    const isDraft = one.status === 'draft'
    if (kind === 'save') {
      const text = nextText()
      const saving = drafts().save(id, { text }, { baseVersion: base })
      if (!isDraft) return expect(await codeOf(saving)).toBe('NOT_A_DRAFT')
      texts.push(text)
      told(one, await saving)
    } else if (kind === 'stale-save') {
      if (!isDraft) return
      const stale = (base - 1) as Version
      expect(await codeOf(drafts().save(id, { text: nextText() }, { baseVersion: stale }))).toBe('VERSION_MISMATCH')
    } else if (kind === 'attach') {
      const content = seededRandom(words)(1 + ((words * 7_919) % 3_000))
      const attaching = drafts().attach(id, { filename: `part ${words}`, content }, { baseVersion: base })
      if (!isDraft) return expect(await codeOf(attaching)).toBe('NOT_A_DRAFT')
      const { draft, attachment } = await attaching
      expect(attachment.sha256).toBe(sha256(content))
      texts.push(texts.at(-1)!)
      told(one, draft)
    } else if (kind === 'detach') {
      const [first] = one.attachments
      if (first === undefined || !isDraft) return
      const draft = await drafts().detach(id, first.id)
      texts.push(texts.at(-1)!)
      told(one, draft)
    } else if (kind === 'discard') {
      const discarding = drafts().discard(id)
      if (!isDraft) return expect(await codeOf(discarding)).toBe('NOT_A_DRAFT')
      await discarding
      one.status = 'discarded'
      once.delete(id)
    } else if (kind === 'undiscard') {
      const taking = drafts().undiscard(id)
      if (isDraft) return expect(await codeOf(taking)).toBe('NOT_DISCARDED')
      told(one, await taking)
      one.status = 'draft'
    } else if (kind === 'restore') {
      if (!isDraft) return
      const draft = await drafts().restore(id, 1 as Version)
      // What says the same already makes no revision.
      if (draft.version > texts.length) texts.push(texts[0]!)
      told(one, draft)
    } else if (kind === 'flush') {
      await drafts().flush(id)
    } else if (kind === 'many' && isDraft) {
      const written = Array.from({ length: 5 }, nextText)
      const saved = await Promise.all(written.map((text) => drafts().save(id, { text })))
      for (const [index, draft] of saved.entries()) expect(draft.version).toBe(base + index + 1)
      texts.push(...written)
      told(one, await drafts().get(id))
    }
  }

  async function check(): Promise<void> {
    for (const one of known) {
      const draft = await drafts().get(one.id)
      told(one, draft)
      expect(draft.status).toBe(one.status)
      const versions = (await drafts().history(one.id)).map(({ version }) => version)
      expect(versions).toEqual(one.texts.map((_text, index) => one.texts.length - index))
      // Once it was on the server it is never on none through us.
      const copies = mailbox.drafts().filter((copy) => copy.draftId === one.id).length
      if (one.status === 'draft' && copies > 0) once.add(one.id)
      if (once.has(one.id)) expect(copies).toBeGreaterThan(0)
    }
    const { total } = await drafts().list()
    expect(total).toBe(known.length)
  }

  for (const next of acts) {
    if (next.kind === 'create') {
      const text = nextText()
      const draft = await drafts().create({ subject: `draft ${known.length}`, text })
      known.push({ id: draft.id, texts: [text], attachments: [], status: 'draft' })
    } else if (next.kind === 'sync') await device.sync()
    else if (next.kind === 'restart') await device.restart()
    else if (next.kind === 'pass') await device.time.advance(next.ms)
    else if (next.kind === 'weather') weather = next.weather
    else if ('which' in next) {
      const one = known[next.which % Math.max(1, known.length)]
      if (one !== undefined) await carryOut(one, next.kind)
    }
    await check()
  }
  weather = 'fine'
  return { known, check }
}

/** Whole lives of drafts under random faults. */
export function exerciseLives({ openFakeDevice, lives }: SuiteStorage): void {
  describe('whatever is written, and however often the server fails', () => {
    test('every acknowledged revision is kept, and at rest each draft is on the server exactly once, as it is here', async () => {
      let uploads = 0
      let cuts = 0
      await fc.assert(
        fc.asyncProperty(life, async ({ seed, acts, ...capabilities }) => {
          await using device = await openFakeDevice({ seed })
          const { mailbox } = device
          Object.assign(mailbox.capabilities, capabilities)
          const foreign = addForeign(mailbox)
          const { known, check } = await live(device, { seed, acts })
          let report = await device.sync()
          for (let round = 0; round < 8 && (report.pending > 0 || report.errors.length > 0); round += 1) {
            await device.time.advance(20_000)
            report = await device.sync()
          }
          // A copy that shows up late is looked for a little later.
          await device.time.advance(20_000)
          await device.sync()
          await check()
          expect(report).toMatchObject({ pending: 0, errors: [] })
          expect((await device.tasks()).filter((task) => task.state !== 'waiting')).toEqual([])
          const copies = mailbox.drafts()
          for (const one of known) {
            const mine = copies.filter((copy) => copy.draftId === one.id)
            expect(mine.map(({ text }) => text)).toEqual(one.status === 'draft' ? [one.texts.at(-1)] : [])
            for (const copy of mine) expect(hashes(copy.attachments)).toEqual(hashes(one.attachments))
          }
          expect(copies).toHaveLength(known.filter((one) => one.status === 'draft').length)
          expect(mailbox.folder('Drafts').messages.has(foreign)).toBe(true)
          for (const one of known) {
            for (const [index, text] of one.texts.entries()) {
              if (one.status !== 'draft' || index % 3 !== 0) continue
              const restored = await device.engine.drafts.restore(one.id, (index + 1) as Version)
              expect(restored.text).toBe(text)
            }
          }
          uploads += mailbox.commands.filter((command) => /^(append|replace)/.test(command)).length
          cuts += mailbox.commands.filter((command) => command === 'connect').length
        }),
        { numRuns: Number(process.env['EVERDRAFT_LIVES'] ?? lives), endOnFailure: false },
      )
      // The lives were no sleep: much was uploaded, and many connections ended. Of a few lives that may not be so.
      if (lives < 10) return
      expect(uploads).toBeGreaterThan(2 * lives)
      expect(cuts).toBeGreaterThan(lives)
    })
  })
}
