import type { Draft } from '@everdraft/core'

import type { Dice } from '../world/dice.ts'
import { until, type World } from '../world/world.ts'

/** Somebody with several devices: writes on at one of them in whatever draft is there, whoever began it. */
export interface CoWriter {
  act(): Promise<void>
  /** What was there at the last look. */
  drafts(): readonly Draft[]
  /** Edits that were acknowledged, each of which may have crossed another. */
  readonly edits: number
}

/** `name`: so that no two write the same words. */
export function createCoWriter(world: World, dice: Dice, name: string): CoWriter {
  const { ledger } = world
  let seen: readonly Draft[] = []
  let serial = 0
  let edits = 0

  function words(): string {
    serial += 1
    return `${name} ${serial};`
  }

  function saw(draft: Draft | undefined, added: string): void {
    if (draft === undefined) return
    ledger.show(draft)
    ledger.write(draft.id, added)
  }

  async function create(): Promise<void> {
    const subject = words()
    saw(
      await world.ask(`create ${subject}`, (engine) => engine.drafts.create({ subject, to: 'bob@example.org' })),
      subject,
    )
  }

  async function save(id: Draft['id']): Promise<void> {
    const added = words()
    const saved = await world.ask(`save ${added}`, async (engine) => {
      const { text } = await engine.drafts.get(id)
      return await engine.drafts.save(id, { text: dice.chance(0.5) ? `${text}\n\n${added}` : `${added}\n\n${text}` })
    })
    if (saved !== undefined) edits += 1
    saw(saved, added)
  }

  async function attach(id: Draft['id']): Promise<void> {
    serial += 1
    const file = {
      filename: `${name} ${serial}.bin`,
      content: new Uint8Array(dice.pick([1, 57, 600])).fill(dice.below(3)),
    }
    const attached = await world.ask('attach', (engine) => engine.drafts.attach(id, file))
    if (attached === undefined) return
    edits += 1
    ledger.show(attached.draft)
  }

  async function choose(): Promise<void> {
    const page = await world.ask('look', (engine) => engine.drafts.list({ status: 'draft' }))
    const found: Draft[] = []
    for (const { id } of page?.items ?? []) {
      const draft = await world.ask('read', (engine) => engine.drafts.get(id))
      if (draft !== undefined) found.push(draft)
    }
    seen = found
    if (seen.length === 0 || (seen.length < 3 && dice.chance(0.15))) return await create()
    const { id } = dice.pick(seen)
    const luck = dice.next()
    if (luck < 0.75) return await save(id)
    if (luck < 0.9) return await attach(id)
    ledger.discard(id)
    await world.ask('discard', (engine) => engine.drafts.discard(id))
  }

  return {
    act: () => until(world, choose()),
    drafts: () => seen,
    get edits() {
      return edits
    },
  }
}
