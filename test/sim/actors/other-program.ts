import type { Mailbox } from '@everdraft/mailserver'

import type { Dice } from '../world/dice.ts'
import { withOtherText } from '../world/message-format.ts'
import { isDeleted, mailUser } from '../world/server.ts'
import type { World } from '../world/world.ts'

/** Another mail program on the same mailbox: it knows nothing of us, and does what such programs do. */
export interface OtherProgram {
  act(): void
}

type Act =
  | 'write'
  | 'mark'
  | 'remove'
  | 'expunge'
  | 'markOurs'
  | 'removeOurs'
  | 'putBack'
  | 'edit'
  | 'send'
  | 'backUp'
  | 'restore'
  | 'makeAnew'

/** How often each does what. One that does a little of all meets no two rare things in one life. */
const habitsOf = {
  'a bit of all': {
    write: 5,
    mark: 4,
    remove: 2,
    expunge: 2,
    markOurs: 1,
    removeOurs: 2,
    putBack: 1,
    edit: 2,
    send: 1,
    backUp: 1,
    restore: 1,
    makeAnew: 1,
  },
  'marks and expunges': { write: 4, mark: 4, expunge: 1, markOurs: 1 },
  'moves ours away and back': { removeOurs: 3, putBack: 3, write: 1 },
  'edits ours': { edit: 3, write: 1, markOurs: 1, removeOurs: 1 },
  'sends ours': { send: 3, write: 1, edit: 1 },
  'is restored from backups': { write: 4, backUp: 3, restore: 2 },
  'makes the folder anew': { write: 2, mark: 1, makeAnew: 2 },
} as const satisfies Record<string, Partial<Record<Act, number>>>

export type Profile = keyof typeof habitsOf
export const profiles: readonly Profile[] = Object.keys(habitsOf) as Profile[]

export function createOtherProgram(world: World, dice: Dice, profile: Profile): OtherProgram {
  const { server } = world
  let serial = 0

  function drafts(): Mailbox | undefined {
    return server.foreign.find(mailUser.name, 'Drafts')
  }

  function put(mailbox: Mailbox, bytes: Uint8Array): void {
    server.foreign.append(mailbox, { bytes, flags: ['\\Draft', '\\Seen'], internalDateMs: world.scheduler.now() })
  }

  function writeItsOwn(mailbox: Mailbox): void {
    serial += 1
    const id = dice.chance(0.8) ? `Message-ID: <foreign-${serial}@example.org>\r\n` : ''
    put(mailbox, Buffer.from(`${id}Subject: foreign ${serial}\r\n\r\nnot ours\r\n`))
  }

  function messagesOf(mailbox: Mailbox, by: 'engine' | 'foreign') {
    return mailbox.messages().filter((message) => server.arrivalOf(message)?.by === by)
  }

  /** Some programs put the new one there first, others take the old one away first, and some time may pass between. */
  function edit(mailbox: Mailbox): void {
    const ours = messagesOf(mailbox, 'engine').filter((message) => !isDeleted(message))
    if (ours.length === 0) return
    const message = dice.pick(ours)
    serial += 1
    const edited = withOtherText(message.bytes, `foreign edit ${serial}`)
    const validity = mailbox.uidValidity
    const takeAway = (): void => {
      if (drafts()?.uidValidity === validity) server.foreign.expunge(mailbox, [message.uid])
    }
    const add = (): void => {
      const now = drafts()
      if (now !== undefined) put(now, edited)
    }
    const [first, second] = dice.chance(0.5) ? [add, takeAway] : [takeAway, add]
    first()
    if (dice.chance(0.5)) second()
    else world.scheduler.schedule(dice.between(10, 60_000), 'the other program goes on', second)
  }

  function mark(mailbox: Mailbox, by: 'engine' | 'foreign'): void {
    const messages = messagesOf(mailbox, by)
    if (messages.length === 0) return
    const { uid, flags } = dice.pick(messages)
    server.foreign.setFlags(mailbox, [{ uid, flags: [...flags, '\\Deleted'] }])
  }

  function remove(mailbox: Mailbox, by: 'engine' | 'foreign'): void {
    const messages = messagesOf(mailbox, by)
    if (messages.length > 0) server.foreign.expunge(mailbox, [dice.pick(messages).uid])
  }

  /** From the folder that it had moved it to. */
  function putBack(mailbox: Mailbox): void {
    const away = server.losses.filter((loss) => loss.by === 'foreign' && loss.how === 'removed')
    const there = new Set(mailbox.messages().map((message) => Buffer.from(message.bytes).toString('latin1')))
    const back = away
      .map(({ arrival }) => arrival.bytes)
      .filter((bytes) => !there.has(Buffer.from(bytes).toString('latin1')))
    if (back.length > 0) put(mailbox, dice.pick(back).slice())
  }

  function expungeMarked(mailbox: Mailbox): void {
    server.foreign.expunge(
      mailbox,
      mailbox
        .messages()
        .filter(isDeleted)
        .map((message) => message.uid),
    )
  }

  /** As after a restore, or by a program that "repairs" the account. */
  function makeAnew(mailbox: Mailbox): void {
    if (dice.chance(0.5)) {
      server.foreign.resetUidValidity(mailbox)
      return
    }
    const uses = [...mailbox.specialUse]
    server.foreign.deleteMailbox(mailUser.name, mailbox.name)
    const again = (): void => void server.foreign.createMailbox(mailUser.name, 'Drafts', uses)
    if (dice.chance(0.7)) again()
    else world.scheduler.schedule(dice.between(1_000, 60_000), 'the other program makes Drafts again', again)
  }

  /** Sends one of ours: it goes to Sent with the Message-ID that it has. */
  function send(mailbox: Mailbox): void {
    const sent = server.foreign.find(mailUser.name, 'Sent')
    const ours = messagesOf(mailbox, 'engine').filter((message) => !isDeleted(message))
    if (ours.length === 0 || sent === undefined) return
    const message = dice.pick(ours)
    put(sent, message.bytes.slice())
    server.foreign.expunge(mailbox, [message.uid])
  }

  const habits = habitsOf[profile]
  const total = Object.values(habits).reduce((sum, weight) => sum + weight, 0)

  function choose(): Act {
    let luck = dice.next() * total
    for (const [act, weight] of Object.entries(habits) as [Act, number][]) {
      luck -= weight
      if (luck < 0) return act
    }
    return 'write'
  }

  const acts: Readonly<Record<Act, (mailbox: Mailbox) => void>> = {
    write: writeItsOwn,
    mark: (mailbox) => mark(mailbox, 'foreign'),
    remove: (mailbox) => remove(mailbox, 'foreign'),
    expunge: expungeMarked,
    markOurs: (mailbox) => mark(mailbox, 'engine'),
    removeOurs: (mailbox) => remove(mailbox, 'engine'),
    putBack,
    edit,
    send,
    backUp: () => server.backUp(),
    restore: () => server.restore(),
    makeAnew,
  }

  return {
    act() {
      const mailbox = drafts()
      if (mailbox !== undefined) acts[choose()](mailbox)
    },
  }
}
