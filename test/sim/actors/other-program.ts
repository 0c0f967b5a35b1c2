import type { Mailbox } from '@everdraft/mailserver'

import type { Dice } from '../world/dice.ts'
import { withOtherText } from '../world/message-format.ts'
import { isDeleted, mailUser } from '../world/server.ts'
import type { World } from '../world/world.ts'

/** Another mail program on the same mailbox: it knows nothing of us, and does what such programs do. */
export interface OtherProgram {
  act(): void
}

export function createOtherProgram(world: World, dice: Dice): OtherProgram {
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

  return {
    act() {
      const mailbox = drafts()
      if (mailbox === undefined) return
      const luck = dice.next()
      if (luck < 0.25) writeItsOwn(mailbox)
      else if (luck < 0.45) mark(mailbox, 'foreign')
      else if (luck < 0.55) remove(mailbox, 'foreign')
      else if (luck < 0.65) expungeMarked(mailbox)
      else if (luck < 0.72) mark(mailbox, 'engine')
      else if (luck < 0.82) remove(mailbox, 'engine')
      else if (luck < 0.89) edit(mailbox)
      else if (luck < 0.91) send(mailbox)
      else if (luck < 0.94) server.backUp()
      else if (luck < 0.96) server.restore()
      else makeAnew(mailbox)
    },
  }
}
