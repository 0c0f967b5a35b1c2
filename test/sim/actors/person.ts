import type { Draft, DraftChanges, Umid, Version } from '@everdraft/core'

import type { Dice } from '../world/dice.ts'
import type { World } from '../world/world.ts'

/** Somebody who writes: each text is written once in a life, so that it can be told where it went. */
export interface Person {
  /** One thing, now; it may take its time. */
  act(): void
  /** What it has at hand. */
  drafts(): readonly Draft[]
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

  /** Words that nobody else writes. */
  function words(): string {
    serial += 1
    return `word ${serial};`
  }

  /** What a person does to a text: at its end, in its midst, or all of it anew. */
  function edited(text: string, added: string): string {
    const luck = dice.next()
    if (luck < 0.2) return added
    if (luck < 0.3) return `${added}\n\nzwei Zeilen, größer als „eine“ 😀\n`
    if (luck < 0.4) return `${text}${'lorem ipsum '.repeat(20)}${added}`
    // Between two code units of one character, too: the store must not care.
    const start = dice.below(text.length + 1)
    const end = Math.min(text.length, start + dice.below(12))
    return text.slice(0, start) + added + text.slice(end)
  }

  function create(): void {
    const subject = words()
    const policy = dice.chance(0.1) ? 'local-only' : 'sync'
    const accountId = ledger.accountId
    if (accountId === null) return
    void (async () => {
      const draft = await world.ask(`create ${subject}`, (engine) =>
        engine.drafts.create({ accountId, subject, text: 'Dear Bob', policy }),
      )
      saw(draft)
      if (draft) ledger.write(draft.id, subject)
    })()
  }

  function save(draft: Draft): void {
    const added = words()
    const text = edited(draft.text, added)
    const changes: DraftChanges = dice.chance(0.2)
      ? { text, to: dice.pick(['bob@example.org', 'Bob <bob@example.org>, carol@example.org']) }
      : { text }
    const onConflict = dice.pick(['refuse', 'merge', 'local-wins', 'remote-wins'] as const)
    const base = dice.chance(0.4) ? { baseVersion: draft.version, onConflict } : {}
    void (async () => {
      const request = `save ${added} on ${draft.version}, ${base.onConflict ?? 'whatever there is'}`
      const saved = await world.ask(
        request,
        (engine) => engine.drafts.save(draft.id, changes, base),
        (code) => {
          // Not saved over, and kept all the same.
          if (code === 'CONFLICT') ledger.write(draft.id, added)
        },
      )
      saw(saved)
      if (saved) ledger.write(saved.id, added)
    })()
  }

  function undiscard(draftId: Umid): void {
    void (async () => {
      const draft = await world.ask('undiscard', (engine) => engine.drafts.undiscard(draftId))
      if (draft) ledger.undiscard(draftId)
      saw(draft)
    })()
  }

  function restore(draft: Draft): void {
    const version = dice.between(1, draft.version) as Version
    void world.ask(`restore ${version}`, (engine) => engine.drafts.restore(draft.id, version)).then(saw)
  }

  function discardChanges(draft: Draft): void {
    void world.ask('discard changes', (engine) => engine.drafts.discardChanges(draft.id)).then(saw)
  }

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

  function drafts(): readonly Draft[] {
    return [...known.values()].filter((draft) => !ledger.discarded.has(draft.id))
  }

  return {
    drafts,
    act() {
      const luck = dice.next()
      const open = drafts()
      if (open.length === 0 || (luck < 0.12 && open.length < 4)) {
        create()
        return
      }
      const draft = dice.pick(open)
      if (luck < 0.5) save(draft)
      else if (luck < 0.54) saveAgain(draft)
      else if (luck < 0.65) attach(draft)
      else if (luck < 0.7) detach(draft)
      else if (luck < 0.76) discard(draft)
      else if (luck < 0.79) undiscard(dice.pick([...known.keys()]))
      else if (luck < 0.82) restore(draft)
      else if (luck < 0.84) discardChanges(draft)
      else if (luck < 0.93) void world.ask('flush', (engine) => engine.drafts.flush(draft.id))
      else sync()
    },
  }
}
