import type { ResponderRequest, Responders } from '@everdraft/core'
import type { DraftJson, DraftVsSentJson } from '@everdraft/daemon'

import type { Client } from '../client.ts'
import { claim } from './claim.ts'
import type { Correspondence, Mail } from './mailbox.ts'
import type { Step } from './steps.ts'

/** What answers in the demo: a program that knows one answer. */
export const demoResponders: Responders = {
  modules: {
    slides: ({ message }: ResponderRequest) => ({
      text: `Hello ${message.from?.name ?? 'you'},\n\nthe slides will be with you on Friday.\n\nKind regards`,
      scenario: 'slides',
    }),
  },
}

const question: Mail = {
  messageId: '<question@example.com>',
  from: 'Carl <carl@example.com>',
  subject: 'Slides of Tuesday',
  text: 'Hello,\n\ncould you send me the slides?\n\nCarl',
}

const edit = { before: 'on Friday', after: 'tomorrow' }

const waitSeconds = 60

/** Mail that a program answers by a draft, and a person sends from a mail program that knows nothing of us. */
export function answeringSteps(
  client: Client,
  correspondence: Correspondence,
  { account, made }: { readonly account: () => string; readonly made: (draft: DraftJson, step: string) => void },
): readonly Step[] {
  let draft: DraftJson

  async function outcome(type: 'outcome.created' | 'outcome.sent'): Promise<string> {
    const signal = AbortSignal.timeout(waitSeconds * 1000)
    for await (const event of client.events({ accountId: account(), after: 0, signal })) {
      if (event.type === type) return event.draft_id
    }
    throw new Error('the events ended')
  }

  const sync = (): Promise<unknown> =>
    client.request('POST', `/accounts/${account()}/sync`, { headers: { prefer: `wait=${waitSeconds}` } })

  return [
    {
      title: 'A mail comes in, and a program answers it by a draft',
      run: async (say) => {
        await client.request('PUT', `/accounts/${account()}/responder`, { json: { module: 'slides' } })
        // Only what comes from now on is answered: the folder is looked at before.
        await sync()
        await correspondence.receive(question)
        await sync()
        const path = `/accounts/${account()}/drafts/${await outcome('outcome.created')}`
        await sync()
        draft = await client.request<DraftJson>('GET', path)
        claim(draft.in_reply_to === question.messageId, 'the draft answers another mail')
        claim(draft.sync.state === 'synchronized', `the answer should be in Drafts, it is ${draft.sync.state}`)
        say(`from ${question.from}: “${question.subject}”`)
        say(`draft ${draft.id}: “${draft.subject}”, in Drafts under UID ${draft.sync.uid}; nothing was sent`)
        made(draft, 'answered')
      },
    },
    {
      title: 'A person edits it in another mail program, and sends it from there',
      run: async (say) => {
        await correspondence.sendElsewhere(draft.id, edit)
        await sync()
        const sent = await outcome('outcome.sent')
        claim(sent === draft.id, 'another draft was said to be the one that was sent')
        const { items } = await client.request<{ readonly items: readonly DraftVsSentJson[] }>(
          'GET',
          '/webhook/analytics/draft-vs-sent?diff=words',
        )
        const [found] = items
        claim(found?.message_id === draft.id && found.verdict === 'sent-edited', 'the mail in Sent was not recognised')
        const changes = found?.diff?.filter(({ kind }) => kind !== 'same') ?? []
        say(`known by ${found?.evidence} evidence, though it has another Message-ID: ${found?.verdict}`)
        say(`changed: ${changes.map(({ kind, text }) => `${kind} “${text.trim()}”`).join(', ')}`)
        made(await client.request<DraftJson>('GET', `/accounts/${account()}/drafts/${draft.id}`), 'sent elsewhere')
      },
    },
  ]
}
