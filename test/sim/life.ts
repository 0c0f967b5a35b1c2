import type { Draft, Engine } from '@everdraft/core'
import type { Capability, Mailbox } from '@everdraft/mailserver'

import { complaintsOf, createCheckers } from './checkers/checkers.ts'
import { emptyImage } from './world/image.ts'
import { withOtherText } from './world/message-format.ts'
import type { CommitFate } from './world/disk.ts'
import { mailUser } from './world/server.ts'
import { createWorld, pass, until, type World, type WorldOptions } from './world/world.ts'

export interface Life {
  /** Commits that changed something, in the whole life. */
  readonly commits: number
  readonly complaints: readonly string[]
  readonly trace: readonly string[]
}

/** What happens in a life. What is not acknowledged is asked for again, as a person does who sees that it is not there. */
export type Script = (world: World) => Promise<void>

/** A life of drafts, as a script, in which the process crashes at one commit. `fresh`: on a disk that nobody has used yet. */
export async function live(
  script: Script,
  without: readonly Capability[],
  crash: { readonly commit: number; readonly fate: CommitFate } | null,
  {
    fresh = true,
    answersAtOnce = true,
    responder,
    atTheEnd = () => [],
  }: {
    readonly fresh?: boolean
    readonly answersAtOnce?: boolean
    readonly responder?: NonNullable<WorldOptions['responder']>
    /** What else is wrong. */
    readonly atTheEnd?: (world: World) => readonly string[]
  } = {},
): Promise<Life> {
  const network = { faultRate: 0, slowRate: 0 }
  const answers = responder === undefined ? {} : { responder }
  const options = {
    seed: 'life',
    without,
    withDraftsFolder: true,
    appendLimitBytes: null,
    network,
    answersAtOnce,
    ...answers,
  }
  const world = createWorld(fresh ? options : { ...options, image: await emptyImage() })
  world.disk.fateOf = (commit) => (commit === crash?.commit ? crash.fate : 'stored')
  const checkers = createCheckers(world)
  const complaints: string[] = []
  world.afterStep = () => void complaints.push(...complaintsOf(checkers.always))
  world.start()
  await pass(world, 5_000)
  await script(world)
  // Late enough for a missing name to be looked for twice.
  await pass(world, 60_000)
  const { accountId } = world.ledger
  for (let round = 0; round < 3; round += 1) {
    if (accountId === null) break
    await until(
      world,
      world.ask('sync', (engine) => engine.sync(accountId, { waitMs: 600_000 })),
    )
    await pass(world, 70_000)
  }
  complaints.push(...world.complaints, ...complaintsOf(checkers.atRest), ...atTheEnd(world))
  return { commits: world.disk.commits, complaints, trace: world.trace.lines }
}

/** Asks until it is answered; in between the process may die and come back. */
export async function insistOn<Result>(
  world: World,
  what: string,
  request: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const given = await until(world, world.ask(what, request))
    if (given !== undefined) return given
    await pass(world, 5_000)
  }
  throw new Error(`${what}: never answered`)
}

/** Everything that can happen to a draft that is not sent, once. */
export const writing: Script = async (world) => {
  const { ledger } = world
  let draft: Draft | undefined

  async function insist(what: string, request: (engine: Engine) => Promise<Draft>): Promise<Draft> {
    const given = await insistOn(world, what, request)
    ledger.show(given)
    return given
  }

  const create = (engine: Engine): Promise<Draft> => {
    if (ledger.accountId === null) throw new Error('no account')
    return engine.drafts.create({ accountId: ledger.accountId, subject: 'word 0;' })
  }
  draft = await insist('create', create)
  const { id } = draft
  for (const text of ['word 1;', 'word 2;', 'word 3;']) {
    draft = await insist(`save ${text}`, (engine) => engine.drafts.save(id, { text }))
    ledger.write(id, text)
    await pass(world, 300)
  }
  await pass(world, 10_000)
  const content = new Uint8Array(600).fill(1)
  draft = await insist(
    'attach',
    async (engine) => (await engine.drafts.attach(id, { filename: 'scan.bin', content })).draft,
  )
  await pass(world, 10_000)
  draft = await insist('save', (engine) => engine.drafts.save(id, { text: 'word 4;' }))
  ledger.write(id, 'word 4;')
  await pass(world, 10_000)
  const other = await insist('create another', create)
  await pass(world, 10_000)
  ledger.discard(id)
  await insist('discard', async (engine) => {
    const now = await engine.drafts.get(id)
    return now.status === 'discarded' ? now : await engine.drafts.discard(id)
  })
  await pass(world, 10_000)
  edit(world, other)
  await pass(world, 100_000)
  resetUids(world)
  await insist('save the other', (engine) => engine.drafts.save(other.id, { text: 'word 5;' }))
  ledger.write(other.id, 'word 5;')
  await pass(world, 10_000)
  const third = await insist('create a third', create)
  await pass(world, 10_000)
  takeAway(world, third)
  await pass(world, 200_000)
}

function drafts(world: World): Mailbox | undefined {
  return world.server.store.find(mailUser.name, 'Drafts')
}

function copyOf(world: World, draft: Draft) {
  const mailbox = drafts(world)
  const message = mailbox?.messages().find((one) => world.server.arrivalOf(one)?.draftId === draft.id)
  return mailbox === undefined || message === undefined ? null : { mailbox, message }
}

/** Another program edits the copy and keeps its Message-ID. */
function edit(world: World, draft: Draft): void {
  const copy = copyOf(world, draft)
  if (copy === null) return
  const bytes = withOtherText(copy.message.bytes, 'by another hand')
  world.server.foreign.append(copy.mailbox, { bytes, flags: ['\\Draft'], internalDateMs: world.scheduler.now() })
  world.server.foreign.expunge(copy.mailbox, [copy.message.uid])
}

function resetUids(world: World): void {
  const mailbox = drafts(world)
  if (mailbox !== undefined) world.server.foreign.resetUidValidity(mailbox)
}

function takeAway(world: World, draft: Draft): void {
  const copy = copyOf(world, draft)
  if (copy !== null) world.server.foreign.expunge(copy.mailbox, [copy.message.uid])
}
