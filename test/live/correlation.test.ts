import type { Verdict } from '@everdraft/core'
import { describeServer, type RunningServer, type ServerName } from '@everdraft/testkit'
import { describe, expect, test } from 'vitest'

import { deliver } from '../correlation/deliver.ts'
import { type Act, acts, isEdit } from '../correlation/edits.ts'
import type { ForeignClient } from '../correlation/foreign-client.ts'
import { act, type ForeignHand } from '../correlation/foreign-hand.ts'
import { foreignClients } from '../correlation/foreign-clients/all.ts'
import { geary } from '../correlation/foreign-clients/geary.ts'
import { k9 } from '../correlation/foreign-clients/k9.ts'
import { nextcloud } from '../correlation/foreign-clients/nextcloud.ts'
import { outlookDesktop } from '../correlation/foreign-clients/outlook-desktop.ts'
import { outlookService } from '../correlation/foreign-clients/outlook-service.ts'
import { roundcube } from '../correlation/foreign-clients/roundcube.ts'
import { thunderbird } from '../correlation/foreign-clients/thunderbird.ts'
import { mail } from '../engine/answering-device.ts'
import { type Device, openDevice, settle } from './harness.ts'

interface Way {
  readonly client: ForeignClient
  readonly what: Act
  /** The program saves the edit in Drafts, and that is seen, before it sends. */
  readonly saves: boolean
}

const some: readonly Way[] = [
  { client: thunderbird, what: 'little', saves: false },
  { client: geary, what: 'appended', saves: true },
  { client: k9, what: 'hand-written', saves: false },
  { client: roundcube, what: 'rewritten', saves: true },
  { client: nextcloud, what: 'quote-removed', saves: false },
  { client: outlookService, what: 'recipients-added', saves: false },
  { client: outlookDesktop, what: 'unseen', saves: false },
]

const waysOf = (client: ForeignClient): readonly Way[] =>
  actsOf(client).flatMap((what): readonly Way[] => {
    const once = { client, what, saves: false }
    return what !== 'none' && what !== 'unseen' && isEdit(what) ? [once, { ...once, saves: true }] : [once]
  })

/** Without ids and threads, and with all drafts gone within minutes, only what they say and are about tells them apart. */
function actsOf(client: ForeignClient): readonly Act[] {
  if (client !== outlookDesktop) return acts
  return acts.filter((what) => what !== 'rewritten' && what !== 'subject-changed')
}

const mailboxes: readonly { readonly title: string; readonly ways: readonly Way[] }[] =
  process.env['EVERDRAFT_SERVERS'] === 'all'
    ? foreignClients.map((client) => ({ title: client.name, ways: waysOf(client) }))
    : [{ title: 'a handful of programs', ways: some }]

const verdictOf = (what: Act): Verdict => {
  if (what === 'left') return 'pending'
  // Whether its mail is only late is known a quarter of an hour after it is gone.
  if (what === 'discarded') return 'unknown'
  if (what === 'hand-written') return 'replied-without-draft'
  return what === 'none' || what === 'quote-removed' ? 'sent-unchanged' : 'sent-edited'
}

/** Near-identical, as all answers of a program are. */
const answer = (subject: string): string =>
  `Dear Bob Example,\n\nThe goods leave our warehouse on Thursday and reach you within three working days.\nYour customer number has changed.\n\nKind regards about ${subject}`

/** In the INBOX as it would come there. Only GreenMail takes mail for its own users by SMTP here. */
async function arrives(device: Device, server: RunningServer, name: ServerName, raw: string): Promise<void> {
  const { host, smtpPort } = server
  if (name === 'greenmail' && smtpPort !== undefined) {
    await deliver({ host, port: smtpPort, from: 'bob@example.com', to: device.user.address, mail: raw })
  } else await device.foreign((connection) => connection.append('INBOX', raw))
}

for (const name of ['dovecot24', 'cyrus310', 'greenmail'] satisfies ServerName[]) {
  describeServer(name, (server) => {
    describe('mails are answered by drafts, and a person sends them in every way of', () => {
      test.each(mailboxes)('$title', { timeout: 300_000 }, async ({ ways }) => {
        const running = server()
        const { supports } = running
        await using device = await openDevice(
          running,
          {},
          { responders: { modules: { test: ({ message }) => ({ text: answer(message.subject) }) } } },
        )
        const { engine, account, user } = device
        await engine.responders.set(account.id, { module: 'test', hourlyLimit: 1_000 })
        await settle(device)
        const folders = { drafts: supports.drafts ?? 'Drafts', sent: supports.sent ?? 'Sent' }
        if (supports.sent === null) await device.foreign((raw) => raw.ok(`CREATE ${folders.sent}`))

        const done: {
          readonly way: string
          readonly question: string
          readonly sent: string | null
          readonly what: Act
        }[] = []
        for (const [at, { client, what, saves }] of ways.entries()) {
          const question = `<${at}.${crypto.randomUUID()}@example.com>`
          const subject = `Prices ${at}`
          const date = new Date().toUTCString()
          await arrives(device, running, name, mail({ to: user.address, messageId: question, subject, date }))
          await settle(device)
          const hand: ForeignHand = { use: (work) => device.foreign(work), client, folders, question }
          const sent = await act(hand, what, saves ? () => settle(device) : undefined)
          await settle(device)
          done.push({ way: `${client.name}, ${what}${saves ? ', saved' : ''}`, question, sent, what })
        }

        const { items } = await engine.outcomes.list({ accountId: account.id, limit: 500 })
        const found = done.map(({ way, question }) => {
          const outcome = items.find(({ replyToMessageId }) => replyToMessageId === question)
          return { way, sent: outcome?.sent?.messageId ?? null, verdict: outcome?.verdict, status: outcome?.status }
        })
        const expected = done.map(({ way, sent, what }) => {
          const isSent = isEdit(what)
          return { way, sent, verdict: verdictOf(what), status: isSent ? 'sent' : 'draft_created' }
        })
        expect(found).toEqual(expected.map((one, at) => ({ ...one, sent: isEdit(done[at]!.what) ? one.sent : null })))
      })
    })
  })
}
