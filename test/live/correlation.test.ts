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

const all: readonly Way[] = foreignClients.flatMap((client) =>
  acts.flatMap((what): readonly Way[] => {
    const once = { client, what, saves: false }
    return what !== 'none' && what !== 'unseen' && isEdit(what) ? [once, { ...once, saves: true }] : [once]
  }),
)

/** Of those that are tried in `pnpm test`, how many: GreenMail takes its time. */
const fewest: Partial<Record<ServerName, number>> = { cyrus310: 4, greenmail: 2 }

const waysOn = (name: ServerName): readonly Way[] =>
  process.env['EVERDRAFT_SERVERS'] === 'all' ? all : some.slice(0, fewest[name] ?? some.length)

const answer =
  'Dear Bob Example,\n\nThe goods leave our warehouse on Thursday and reach you within three working days.\nYour customer number has changed.\n\nKind regards'

const verdictOf = (what: Act): Verdict => {
  if (what === 'left') return 'pending'
  // Whether its mail is only late is known a quarter of an hour after it is gone.
  if (what === 'discarded') return 'unknown'
  if (what === 'hand-written') return 'replied-without-draft'
  return what === 'none' || what === 'quote-removed' ? 'sent-unchanged' : 'sent-edited'
}

/** In the INBOX as it would come there. Only GreenMail takes mail for its own users by SMTP here. */
async function arrives(device: Device, server: RunningServer, name: ServerName): Promise<void> {
  const to = device.user.address
  const raw = mail({ to, messageId: `<${crypto.randomUUID()}@example.com>`, date: new Date().toUTCString() })
  const { host, smtpPort } = server
  if (name === 'greenmail' && smtpPort !== undefined) {
    await deliver({ host, port: smtpPort, from: 'bob@example.com', to, mail: raw })
  } else await device.foreign((connection) => connection.append('INBOX', raw))
}

for (const name of ['dovecot24', 'cyrus310', 'greenmail'] satisfies ServerName[]) {
  describeServer(name, (server) => {
    describe('a mail is answered by a draft, and a person sends it from', () => {
      test.each(
        waysOn(name).map(
          (way) => [`${way.client.name}, ${way.what}${way.saves ? ', saved in between' : ''}`, way] as const,
        ),
      )('%s', async (_, { client, what, saves }) => {
        const running = server()
        await using device = await openDevice(
          running,
          {},
          { responders: { modules: { test: () => ({ text: answer }) } } },
        )
        const { engine, account } = device
        await engine.responders.set(account.id, { module: 'test' })
        await settle(device)
        await arrives(device, running, name)
        await settle(device)

        const folders = { drafts: running.supports.drafts ?? 'Drafts', sent: running.supports.sent ?? 'Sent' }
        if (running.supports.sent === null) await device.foreign((raw) => raw.ok(`CREATE ${folders.sent}`))
        const hand: ForeignHand = { use: (work) => device.foreign(work), client, folders }
        const messageId = await act(hand, what, saves ? () => settle(device) : undefined)
        await settle(device)

        const { items } = await engine.outcomes.list({ accountId: account.id })
        expect(items).toHaveLength(1)
        const [outcome] = items
        expect(outcome?.sent?.messageId ?? null).toBe(isEdit(what) ? messageId : null)
        expect(outcome?.verdict).toBe(verdictOf(what))
        expect(outcome?.status).toBe(isEdit(what) ? 'sent' : 'draft_created')
      })
    })
  })
}
