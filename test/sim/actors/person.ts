import type { Draft, DraftChanges, Umid } from '@everdraft/core'

import type { Dice } from '../world/dice.ts'
import type { World } from '../world/world.ts'

/** Somebody who writes: each text is written once in a life, so that it can be told where it went. */
export interface Person {
  /** One thing, now; it may take its time. */
  act(): void
}

const sizes = [0, 1, 57, 58, 100, 3_000] as const

export function createPerson(world: World, dice: Dice, options: { readonly largeAttachments: boolean }): Person {
  const { ledger } = world
  const known = new Map<Umid, Draft>()
  let serial = 0

  function saw(draft: Draft | undefined): void {
    if (draft === undefined) return
    known.set(draft.id, draft)
    ledger.show(draft)
  }

  function words(): string {
    serial += 1
    return dice.pick([
      `w${serial}`,
      `w${serial}\n\nzwei Zeilen, größer als „eine“\n`,
      `w${serial} ${'lorem ipsum '.repeat(20)}`,
    ])
  }

  function create(): void {
    const subject = words().replaceAll('\n', ' ')
    const policy = dice.chance(0.1) ? 'local-only' : 'sync'
    const accountId = ledger.accountId
    if (accountId === null) return
    void (async () => {
      const draft = await world.ask(`create ${subject}`, (engine) =>
        engine.drafts.create({ accountId, subject, text: 'Dear Bob', policy }),
      )
      saw(draft)
      if (draft) ledger.write(draft, 'subject', subject)
    })()
  }

  function save(draft: Draft): void {
    const text = words()
    const changes: DraftChanges = dice.chance(0.2)
      ? { text, to: dice.pick(['bob@example.org', 'Bob <bob@example.org>, carol@example.org']) }
      : { text }
    const base = dice.chance(0.3) ? { baseVersion: draft.version } : {}
    void (async () => {
      const saved = await world.ask(`save ${text}`, (engine) => engine.drafts.save(draft.id, changes, base))
      saw(saved)
      if (saved) ledger.write(saved, 'text', text)
    })()
  }

  /** Undo: the same words as before come back. */
  function saveAgain(draft: Draft): void {
    void world.ask('save the same', (engine) => engine.drafts.save(draft.id, { text: draft.text })).then(saw)
  }

  function attach(draft: Draft): void {
    const size = options.largeAttachments && dice.chance(0.1) ? 270_000 : dice.pick(sizes)
    // Few different ones, so that the same bytes come twice.
    const content = new Uint8Array(size).fill(dice.below(3))
    serial += 1
    const filename = `file ${serial}.bin`
    void world
      .ask(`attach ${size} bytes`, (engine) => engine.drafts.attach(draft.id, { filename, content }))
      .then((done) => saw(done?.draft))
  }

  function detach(draft: Draft): void {
    const [attachment] = draft.attachments
    if (attachment === undefined) return
    void world.ask('detach', (engine) => engine.drafts.detach(draft.id, attachment.id)).then(saw)
  }

  function discard(draft: Draft): void {
    ledger.discard(draft.id)
    void world.ask('discard', (engine) => engine.drafts.discard(draft.id)).then(saw)
  }

  function sync(): void {
    const { accountId } = ledger
    if (accountId === null) return
    void world.ask('sync', (engine) => engine.sync(accountId, { waitMs: 60_000 }))
  }

  return {
    act() {
      const luck = dice.next()
      const open = [...known.values()].filter((draft) => !ledger.discarded.has(draft.id))
      if (open.length === 0 || (luck < 0.12 && open.length < 4)) {
        create()
        return
      }
      const draft = dice.pick(open)
      if (luck < 0.55) save(draft)
      else if (luck < 0.6) saveAgain(draft)
      else if (luck < 0.7) attach(draft)
      else if (luck < 0.75) detach(draft)
      else if (luck < 0.8) discard(draft)
      else if (luck < 0.92) void world.ask('flush', (engine) => engine.drafts.flush(draft.id))
      else sync()
    },
  }
}
