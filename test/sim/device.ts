import type { Draft, SendId, SendRecord } from '@everdraft/core'
import type { Capability } from '@everdraft/mailserver'

import { complaintsOf, createCheckers } from './checkers/checkers.ts'
import { mailUser } from './world/server.ts'
import { plainHabits, type ProviderHabits } from './world/provider.ts'
import { createWorld, pass, until, type World } from './world/world.ts'

/** One simulated device that does what a test tells it to, watched by all checkers. */
export interface ScriptedDevice {
  readonly world: World
  create(subject: string): Promise<Draft>
  save(draft: Draft, text: string): Promise<Draft>
  attach(draft: Draft, content: Uint8Array): Promise<Draft>
  flush(draft: Draft): Promise<void>
  /** Consents to send it, to these. */
  send(draft: Draft, to: string): Promise<SendRecord>
  resolve(id: SendId, as: 'sent' | 'send_again'): Promise<SendRecord>
  record(id: SendId): Promise<SendRecord>
  /** Rounds until nothing moves. */
  rest(): Promise<void>
  /** Removes a message by another program's hand. */
  removeByHand(uid: number): void
  markByHand(uid: number): void
  /** It goes to Sent with the Message-ID that it has. */
  sendByHand(uid: number): void
  /** Another program's draft; its octets. */
  putByHand(text: string): string
  resetUidValidity(): void
  /** The octets of what is in Drafts. */
  texts(): readonly string[]
  /** Whose hand put what is in Sent there. */
  inSent(): readonly string[]
  /** UIDs in Drafts. */
  uids(): readonly number[]
  /** Of the checkers that watch always, since the beginning. */
  complaints(): readonly string[]
  /** And of those that look at the state at rest, which this is. */
  complaintsAtRest(): readonly string[]
}

export async function openScripted(
  options: {
    readonly without?: readonly Capability[]
    readonly withDraftsFolder?: boolean
    readonly provider?: Partial<ProviderHabits>
    readonly appendLimitBytes?: number
  } = {},
): Promise<ScriptedDevice> {
  const network = { faultRate: 0, slowRate: 0 }
  const { without = [], withDraftsFolder = true, appendLimitBytes = null } = options
  const provider = { ...plainHabits, ...options.provider }
  const world = createWorld({ seed: 'script', without, withDraftsFolder, appendLimitBytes, network, provider })
  const checkers = createCheckers(world)
  const heard: string[] = []
  world.afterStep = () => void heard.push(...complaintsOf(checkers.always))
  world.start()
  await pass(world, 5_000)

  function drafts() {
    const mailbox = world.server.store.find(mailUser.name, 'Drafts')
    if (mailbox === undefined) throw new Error('there is no Drafts folder')
    return mailbox
  }

  function messageOf(uid: number) {
    const message = drafts()
      .messages()
      .find((one) => one.uid === uid)
    if (message === undefined) throw new Error(`there is no UID ${uid}`)
    return message
  }

  async function answer<Result>(result: Promise<Result | undefined>): Promise<Result> {
    const value = await until(world, result)
    if (value === undefined) throw new Error(world.trace.lines.slice(-20).join('\n'))
    return value
  }

  return {
    world,
    async create(subject) {
      const { accountId } = world.ledger
      if (accountId === null) throw new Error('the engine is not up')
      const draft = await answer(world.ask('create', (engine) => engine.drafts.create({ accountId, subject })))
      world.ledger.show(draft)
      return draft
    },
    async save(draft, text) {
      const saved = await answer(world.ask('save', (engine) => engine.drafts.save(draft.id, { text })))
      world.ledger.show(saved)
      return saved
    },
    async attach(draft, content) {
      const attached = await answer(
        world.ask('attach', (engine) => engine.drafts.attach(draft.id, { filename: 'scan.bin', content })),
      )
      world.ledger.show(attached.draft)
      return attached.draft
    },
    async flush(draft) {
      await until(
        world,
        world.ask('flush', (engine) => engine.drafts.flush(draft.id)),
      )
    },
    async send(draft, to) {
      const addressed = await answer(world.ask('address', (engine) => engine.drafts.save(draft.id, { to })))
      world.ledger.show(addressed)
      const record = await answer(world.ask('send', (engine) => engine.drafts.send(draft.id, { confirm: true })))
      world.ledger.consent(record)
      return record
    },
    async resolve(id, as) {
      world.ledger.resolve(id, as)
      return await answer(world.ask('resolve', (engine) => engine.sends.resolve(id, as)))
    },
    record: (id) => answer(world.ask('record', (engine) => engine.sends.get(id))),
    async rest() {
      const { accountId } = world.ledger
      if (accountId === null) throw new Error('the engine is not up')
      for (let round = 0; round < 3; round += 1) {
        await answer(world.ask('sync', (engine) => engine.sync(accountId, { waitMs: 600_000 })))
        await pass(world, 70_000)
      }
    },
    removeByHand: (uid) => world.server.foreign.expunge(drafts(), [messageOf(uid).uid]),
    markByHand(uid) {
      const { flags, uid: marked } = messageOf(uid)
      world.server.foreign.setFlags(drafts(), [{ uid: marked, flags: [...flags, '\\Deleted'] }])
    },
    sendByHand(uid) {
      const { uid: sent, bytes } = messageOf(uid)
      const folder = world.server.foreign.find(mailUser.name, 'Sent')
      if (folder === undefined) throw new Error('there is no Sent folder')
      world.server.foreign.append(folder, { bytes: bytes.slice(), flags: [], internalDateMs: 0 })
      world.server.foreign.expunge(drafts(), [sent])
    },
    putByHand(text) {
      const octets = `Subject: foreign\r\n\r\n${text}\r\n`
      world.server.foreign.append(drafts(), { bytes: Buffer.from(octets), flags: [], internalDateMs: 0 })
      return octets
    },
    resetUidValidity: () => world.server.foreign.resetUidValidity(drafts()),
    inSent: () =>
      world.server
        .copies()
        .filter((copy) => copy.folder === 'Sent' && !copy.deleted)
        .map(({ arrival }) => arrival.by),
    texts: () =>
      drafts()
        .messages()
        .map((message) => Buffer.from(message.bytes).toString('latin1')),
    uids: () =>
      drafts()
        .messages()
        .map((message) => message.uid),
    complaints: () => [...heard, ...world.complaints],
    complaintsAtRest: () => [...heard, ...world.complaints, ...complaintsOf(checkers.atRest)],
  }
}
