import { randomUUID } from 'node:crypto'

import type { DraftManagerAnswer, DraftManagerRequest } from '@everdraft/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { type OfflineManager, openOfflineManager, umid } from './draft-manager-engine.ts'

/** What a person sees of a draft here: a subject, and a letter whose two parts are written by themselves. */
interface Letter {
  readonly subject: string
  readonly first: string
  readonly last: string
}

type Strategy = 'merge' | 'local-wins' | 'remote-wins'

interface ModelDevice {
  /** 0: it has never seen the draft. */
  version: number
  seen: Letter
  written: Letter
  /** The saves whose answers it never heard, oldest first. */
  lost: readonly Lost[]
}

interface Lost {
  readonly saveId: string
  readonly asked: Omit<DraftManagerRequest, 'accountId'>
  readonly status: DraftManagerAnswer['status']
  /** That it made; 0: none. */
  readonly version: number
  readonly sent: Letter
}

/** The reference: what is stored, and what each device has on its screen. */
interface Model {
  version: number
  stored: Letter
  readonly devices: readonly ModelDevice[]
  /** All that was ever acknowledged, or was kept where it lost. */
  readonly kept: Set<string>
  readonly inConflict: Set<string>
}

interface Real {
  readonly manager: OfflineManager
  readonly draftId: string
}

type Command = fc.AsyncCommand<Model, Real>

const names = ['laptop', 'phone'] as const

function bodyOf({ first, last }: Letter): string {
  return `${first}\n\nwords that stay\n\n${last}\n`
}

function textOf(letter: Letter): string {
  return `${letter.subject}\n${bodyOf(letter)}`
}

/** One of them, where only one side changed it or both changed it alike; null: both did, and differently. */
function merged(base: string, local: string, remote: string): string | null {
  if (local === remote || remote === base) return local
  return local === base ? remote : null
}

/** What the two make, and in which fields they are in conflict: the subject is one value, the body one text of two parts. */
function mergedLetters(base: Letter, local: Letter, remote: Letter, strategy: Strategy): Letter | null {
  const winner = strategy === 'remote-wins' ? remote : local
  const subject = merged(base.subject, local.subject, remote.subject)
  const first = merged(base.first, local.first, remote.first)
  const last = merged(base.last, local.last, remote.last)
  if (strategy === 'merge' && (subject === null || first === null || last === null)) return null
  const body = first === null || last === null ? { first: winner.first, last: winner.last } : { first, last }
  return { subject: subject ?? winner.subject, ...body }
}

function same(one: Letter, other: Letter): boolean {
  return textOf(one) === textOf(other)
}

function store(model: Model, letter: Letter): void {
  if (same(model.stored, letter)) return
  model.version += 1
  model.stored = letter
  model.kept.add(textOf(letter))
}

/** With what a device's words are compared: what it has heard of last, or what has arrived of it since without its knowing. */
function baseOf({ version, seen, lost }: ModelDevice): { readonly version: number; readonly seen: Letter } {
  const arrived = lost.findLast((save) => save.version > 0)
  return arrived === undefined ? { version, seen } : { version: arrived.version, seen: arrived.sent }
}

function isCurrent(model: Model, device: ModelDevice): boolean {
  const { version, seen } = baseOf(device)
  return version === model.version && same(seen, model.stored)
}

/** What the model says that a save does. @returns whether it is acknowledged */
function saveInModel(model: Model, device: ModelDevice, strategy: Strategy): boolean {
  const { written } = device
  const { seen } = baseOf(device)
  if (isCurrent(model, device)) {
    store(model, written)
    return true
  }
  const result = mergedLetters(seen, written, model.stored, strategy)
  if (result === null) {
    model.inConflict.add(textOf(written))
    return false
  }
  const loses = strategy === 'remote-wins' && !same(written, result) && losesTo(model.stored, written, result)
  if (loses) store(model, written)
  store(model, result)
  return true
}

/** Something that was written here, and not there, is not in what came of it. */
function losesTo(stored: Letter, written: Letter, result: Letter): boolean {
  const differs = (of: (letter: Letter) => string): boolean => of(written) !== of(result) && of(written) !== of(stored)
  return differs(({ subject }) => subject) || differs(bodyOf)
}

function take(model: Model, device: ModelDevice): void {
  device.version = model.version
  device.seen = model.stored
  device.written = model.stored
  device.lost = []
}

async function compare(model: Model, { manager, draftId }: Real): Promise<void> {
  const { draft } = await manager.done({ action: 'get', draftId })
  expect(draft).toMatchObject({
    version: model.version,
    subject: model.stored.subject,
    body: bodyOf(model.stored),
  })
}

/** In the reference and through the draft manager, which must agree. `isHeard` false: the answer is lost on its way. */
async function saveAsBoth(
  model: Model,
  real: Real,
  nth: number,
  how: { readonly strategy: Strategy; readonly isHeard: boolean },
): Promise<void> {
  const { strategy, isHeard } = how
  const device = model.devices[nth]!
  const { written, version, lost } = device
  const isNews = !isCurrent(model, device) && !same(written, baseOf(device).seen) && !same(written, model.stored)
  const before = model.version
  const acknowledged = saveInModel(model, device, strategy)
  const saveId = randomUUID()
  const asked = {
    action: 'auto-save',
    draftId: real.draftId,
    deviceId: names[nth]!,
    saveId,
    unansweredSaveIds: lost.map((save) => save.saveId),
    draft: { subject: written.subject, body: bodyOf(written), version },
    recoveryOptions: strategy === 'merge' ? {} : { preferLocal: strategy === 'local-wins' },
  } as const
  const { status, output } = await real.manager.ask(asked)
  expect(status).toBe(acknowledged ? 'success' : 'error')
  expect(output?.conflictDetected).toBe(isNews)
  const made = model.version === before ? 0 : model.version
  if (isHeard) take(model, device)
  else device.lost = [...lost, { saveId, asked, status, version: made, sent: written }]
  await compare(model, real)
}

/** The last one that was not answered goes again as it was: what it did it has done, and nothing changes. */
async function repeatInBoth(model: Model, real: Real, nth: number): Promise<void> {
  const device = model.devices[nth]!
  const last = device.lost.at(-1)!
  const again = await real.manager.ask(last.asked)
  expect(again.status).toBe(last.status)
  if (last.version > 0) expect(again.output?.draft?.version).toBe(last.version)
  await compare(model, real)
  take(model, device)
}

const which = fc.nat({ max: 1 })
const word = fc.constantFrom('one', 'two', 'three')

const commands: readonly fc.Arbitrary<Command>[] = [
  fc.tuple(which, fc.constantFrom('subject', 'first', 'last'), word).map(([nth, field, text]): Command => ({
    check: () => true,
    run: async (model) => {
      const device = model.devices[nth]!
      device.written = { ...device.written, [field]: `${field}: ${text}` }
    },
    toString: () => `${names[nth]} writes ${field}: ${text}`,
  })),
  fc
    .tuple(which, fc.constantFrom<Strategy>('merge', 'local-wins', 'remote-wins'), fc.boolean())
    .map(([nth, strategy, isHeard]): Command => ({
      check: (model) => model.devices[nth]!.version > 0,
      run: (model, real) => saveAsBoth(model, real, nth, { strategy, isHeard }),
      toString: () => `${names[nth]} saves, ${strategy}${isHeard ? '' : ', and hears no answer'}`,
    })),
  which.map((nth): Command => ({
    check: (model) => model.devices[nth]!.lost.length > 0,
    run: (model, real) => repeatInBoth(model, real, nth),
    toString: () => `${names[nth]} saves again what was not answered`,
  })),
  which.map((nth): Command => ({
    check: () => true,
    run: async (model, real) => {
      take(model, model.devices[nth]!)
      await compare(model, real)
    },
    toString: () => `${names[nth]} reads`,
  })),
]

test('H13 H19 two devices that write, save and read as they like, over lines that lose answers: each save does what the reference says, and no words are lost', async () => {
  const manager = await openOfflineManager()
  await fc.assert(
    fc.asyncProperty(fc.commands([...commands], { maxCommands: 25, size: 'max' }), async (script) => {
      const draftId = randomUUID()
      const letter: Letter = { subject: 'subject', first: 'first', last: 'last' }
      await manager.done({ action: 'auto-save', draftId, draft: { subject: letter.subject, body: bodyOf(letter) } })
      const { draft } = await manager.done({ action: 'get', draftId })
      const bytes = new Uint8Array(100)
      const attached = await manager.engine.drafts.attach(umid(draftId), { filename: 'a.bin', content: bytes })
      expect(draft?.version).toBe(1)
      const model: Model = {
        version: attached.draft.version,
        stored: letter,
        devices: names.map(() => ({ version: 2, seen: letter, written: letter, lost: [] })),
        kept: new Set([textOf(letter)]),
        inConflict: new Set(),
      }
      await fc.asyncModelRun(() => ({ model, real: { manager, draftId } }), script)
      const id = umid(draftId)
      const history = await manager.engine.drafts.history(id)
      const said = new Set<string>()
      for (const { version } of history) {
        const { before } = await manager.engine.drafts.changesSince(id, version)
        said.add(`${before.subject}\n${before.text}`)
      }
      expect(said).toEqual(model.kept)
      const conflicts = await manager.engine.drafts.conflicts(id)
      expect(new Set(conflicts.map(({ local }) => `${local.subject}\n${local.text}`))).toEqual(model.inConflict)
      const { draft: last } = await manager.done({ action: 'get', draftId })
      expect(last?.attachments).toMatchObject([{ filename: 'a.bin', missing: false }])
    }),
    { numRuns: 30 },
  )
})
