import type { Draft, SendId, SendOptions, SendRecord } from '@everdraft/core'

import type { Dice } from '../world/dice.ts'
import { unknownUser } from '../world/provider.ts'
import type { World } from '../world/world.ts'

/** Somebody who sends what was written, changes their mind, and says what is to become of what went wrong. */
export interface Sender {
  /** One thing, now; it may take its time. */
  act(): void
  /** Decides whatever waits for a word of the user. */
  decide(): Promise<void>
}

const recipients = [
  'bob@example.org',
  'bob@example.org, carol@example.org',
  `bob@example.org, ${unknownUser}`,
  unknownUser,
] as const

export function createSender(world: World, dice: Dice, drafts: () => readonly Draft[]): Sender {
  const { ledger } = world

  function saw(record: SendRecord | undefined): void {
    if (record !== undefined) ledger.consent(record)
  }

  function send(draft: Draft): void {
    const to = draft.to.length === 0 || dice.chance(0.2) ? dice.pick(recipients) : null
    const bcc = dice.chance(0.2) ? { bcc: 'dora@example.org' } : {}
    const time = dice.next()
    const now = world.scheduler.now()
    const options: SendOptions = {
      confirm: true,
      ...(time < 0.3 ? { undoMs: dice.between(1, 20_000) } : {}),
      ...(time > 0.8 ? { sendAt: now + dice.between(1, 180_000), holdAtServer: dice.chance(0.5) } : {}),
    }
    void (async () => {
      if (to !== null) {
        const saved = await world.ask(`address to ${to}`, (engine) => engine.drafts.save(draft.id, { to, ...bcc }))
        if (saved === undefined) return
        ledger.show(saved)
      }
      if (world.provider.habits.fetches && dice.chance(0.5)) await attachAndUpload(draft)
      saw(await world.ask(`send ${JSON.stringify(options)}`, (engine) => engine.drafts.send(draft.id, options)))
    })()
  }

  /** What a server that takes mail can fetch from Drafts by itself. */
  async function attachAndUpload({ id }: Draft): Promise<void> {
    const content = new Uint8Array(8_500).fill(3)
    const attached = await world.ask('attach what is large', (engine) =>
      engine.drafts.attach(id, { filename: 'large.bin', content }),
    )
    if (attached === undefined) return
    ledger.show(attached.draft)
    const { accountId } = ledger
    if (accountId !== null)
      await world.ask('sync before sending', (engine) => engine.sync(accountId, { waitMs: 60_000 }))
  }

  /** What is in the outbox is not edited, whoever asks. */
  function edit({ draftId }: SendRecord): void {
    void world.ask('edit in the outbox', async (engine) => {
      const { status } = await engine.drafts.get(draftId)
      const saved = await engine.drafts.save(draftId, { text: 'too late' })
      if (status === 'sent') throw new Error('a sent draft was edited')
      ledger.show(saved)
      return saved
    })
  }

  function retry(id: SendId): void {
    void world.ask('retry', (engine) => engine.sends.retry(id)).then(saw)
  }

  function resolve(id: SendId): void {
    const as = dice.pick(['sent', 'send_again'] as const)
    void world.ask(`resolve as ${as}`, (engine) => {
      ledger.resolve(id, as)
      return engine.sends.resolve(id, as)
    })
  }

  function answer(record: SendRecord): void {
    const luck = dice.next()
    const { id, status, recipients: people } = record
    if (status === 'unknown' || people.some((one) => one.status === 'unknown')) {
      if (luck < 0.5) resolve(id)
      else edit(record)
      return
    }
    if (luck < 0.4) void world.ask('undo', (engine) => engine.sends.cancel(id)).then(saw)
    else if (luck < 0.7) retry(id)
    else if (luck < 0.9) edit(record)
    else resolve(id)
  }

  return {
    act() {
      const open = drafts()
      if (open.length > 0 && dice.chance(0.6)) {
        send(dice.pick(open))
        return
      }
      void (async () => {
        const page = await world.ask('look into the outbox', (engine) => engine.sends.list())
        if (page !== undefined && page.items.length > 0) answer(dice.pick(page.items))
      })()
    },
    async decide() {
      const page = await world.ask('look into the outbox', (engine) => engine.sends.list())
      for (const record of page?.items ?? []) {
        if (record.status === 'unknown' || record.recipients.some(({ status }) => status === 'unknown'))
          resolve(record.id)
        else if (record.isHeld) retry(record.id)
      }
    },
  }
}
