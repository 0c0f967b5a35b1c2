import { createHash, randomBytes } from 'node:crypto'

import type { ServerSettings } from '@everdraft/core'
import type { AccountJson, DraftJson, SendJson, SyncJson } from '@everdraft/daemon'

import type { Client } from '../client.ts'
import { CommandFailure } from '../failure.ts'
import { bytesText, oneLine, table } from '../output.ts'
import { answeringSteps } from './answering.ts'
import { claim, ClaimFailure } from './claim.ts'
import type { Copy, DemoMailbox } from './mailbox.ts'
import type { Step } from './steps.ts'

/** The walk through the life of a draft, and what was measured on the way. */
export interface Walk {
  readonly steps: readonly Step[]
  /** What was made so far. */
  made(): { readonly account: string | null; readonly draftIds: readonly string[] }
  /** The closing table and the sum of bytes. */
  summary(): string
}

const attachmentBytes = 5_000_000
/** Long enough for 5 MB over a slow line. */
const waitSeconds = 120

export function createWalk(client: Client, mailbox: DemoMailbox): Walk {
  const rows: string[][] = []
  const draftIds: string[] = []
  /** What a client would have uploaded that stores a copy per save: the copy's size, for each save with the file. */
  const copyPerSave: number[] = []
  let bytesSent = 0
  let account = ''
  let main = ''
  let second = ''
  let fileHash = ''
  let mainCopy: Copy | null = null

  const pathOf = (id: string): string => `/accounts/${account}/drafts/${id}`
  const read = (id: string): Promise<DraftJson> => client.request<DraftJson>('GET', pathOf(id))
  const save = (id: string, json: object): Promise<DraftJson> => client.request<DraftJson>('PUT', pathOf(id), { json })
  const sync = (seconds: number): Promise<SyncJson> =>
    client.request<SyncJson>('POST', `/accounts/${account}/sync`, { headers: { prefer: `wait=${seconds}` } })

  function record(step: string, draft: DraftJson, sent: number): void {
    bytesSent += sent
    rows.push([step, draft.status, `v${draft.version}`, draft.sync.state, uidText(draft), bytesText(sent)])
  }

  /** What is there after a round: the draft as REST tells it, and its copies as they lie in the mailbox. */
  async function settled(
    id: string,
  ): Promise<{ draft: DraftJson; report: SyncJson; copies: readonly Copy[]; sent: number }> {
    const before = await read(id)
    const report = await sync(waitSeconds)
    const draft = await read(id)
    const [error] = report.errors
    if (error !== undefined)
      throw new CommandFailure(`the round with the server failed: ${oneLine(error.message, 300)}`)
    const copies = await mailbox.copies(draft.sync.folder ?? before.sync.folder, id)
    // An upload that the daemon had begun by itself is no part of the round that was asked for.
    const upload = draft.sync.last_upload
    const isNew = upload !== null && upload.at !== before.sync.last_upload?.at
    const sent = Math.max(report.bytes_sent, isNew ? upload.bytes_sent : 0)
    return { draft, report, copies, sent }
  }

  const steps: Step[] = [
    {
      title: 'An account, while its mail server is out of reach',
      run: async (say) => {
        const made = await client.request<AccountJson>('POST', '/accounts', {
          json: {
            address: mailbox.address,
            imap: serverJson(mailbox.imap),
            ...(mailbox.smtp === null ? {} : { smtp: serverJson(mailbox.smtp) }),
          },
        })
        account = made.id
        say(`account ${made.id} for ${oneLine(made.address)}`)
      },
    },
    {
      title: 'Write a draft',
      run: async (say) => {
        const draft = await client.request<DraftJson>('POST', `/accounts/${account}/drafts`, {
          json: { to: mailbox.recipient, subject: 'Minutes of Tuesday', text: 'Dear Ann,' },
        })
        main = draft.id
        draftIds.push(draft.id)
        say(`draft ${draft.id}, version ${draft.version}: on disk`)
        say(...stateTexts(draft, 0))
        record('written', draft, 0)
      },
    },
    {
      title: 'Save it three times, as auto-save does',
      run: async (say) => {
        let draft = await read(main)
        const first = draft.version
        for (const text of ['Dear Ann,\n\nhere are', 'Dear Ann,\n\nhere are the minutes', textBefore]) {
          draft = await save(main, { text })
          say(`version ${draft.version} saved`)
        }
        claim(draft.version === first + 3, `three saves should make version ${first + 3}, not ${draft.version}`)
        say(...stateTexts(draft, 0))
        record('saved 3 times', draft, 0)
      },
    },
    {
      title: `Attach a file of ${bytesText(attachmentBytes)} that cannot be compressed`,
      run: async (say) => {
        const file = randomBytes(attachmentBytes)
        fileHash = createHash('sha256').update(file).digest('hex')
        const content = new Blob([file], { type: 'application/pdf' })
        const attachment = await client.attach({ accountId: account, draftId: main, filename: 'minutes.pdf', content })
        claim(attachment.sha256 === fileHash, 'the file that was stored is not the file that was sent')
        const draft = await read(main)
        say(`${attachment.filename}, ${attachment.size} bytes, SHA-256 ${attachment.sha256.slice(0, 16)}… as sent`)
        say(...stateTexts(draft, 0))
        record('file attached', draft, 0)
      },
    },
    {
      title: 'Ask for an upload, and be told why not',
      run: async (say) => {
        const report = await sync(15)
        const draft = await read(main)
        claim(draft.sync.state === 'local-only', `offline, the draft should be local-only, not ${draft.sync.state}`)
        claim(report.uploaded === 0, 'something was uploaded while the server was out of reach')
        const error = draft.sync.last_error ?? report.errors[0]
        claim(draft.sync.pending !== null && error !== undefined, 'the draft does not say why it is not on the server')
        say(`not uploaded, because: ${draft.sync.pending?.reason} – ${oneLine(error?.message ?? '', 200)}`)
        say(...stateTexts(draft, report.bytes_sent))
        record('offline', draft, report.bytes_sent)
      },
    },
    {
      title: `${mailbox.comingUp}: upload`,
      run: async (say) => {
        await mailbox.goOnline()
        const { draft, report, copies, sent } = await settled(main)
        if (report.imported > 0) say(`${report.imported} drafts that were there already came down`)
        const copy = onlyCopy(draft, copies)
        mainCopy = copy
        claim(
          draft.sync.state === 'synchronized',
          `after the upload the draft should be synchronized, not ${draft.sync.state}`,
        )
        claim(draft.sync.uploaded_version === draft.version, 'the version on the server is not the one on this device')
        await claimFileOnServer(draft, copy)
        say(`in the mailbox: 1 copy, UID ${copy.uid}, ${bytesText(copy.size)}; its file has the same SHA-256`)
        say(...stateTexts(draft, sent))
        copyPerSave.push(copy.size)
        record('uploaded', draft, sent)
      },
    },
    {
      title: 'Edit it, three saves again: the copy is replaced',
      run: async (say) => {
        const old = mainCopy
        const edits = ['Tuesday, co', 'Tuesday, correct', 'Tuesday, corrected']
        for (const subject of edits) {
          const draft = await save(main, { subject: `Minutes of ${subject}` })
          say(`version ${draft.version} saved, ${draft.sync.state}: ${meaningOf[draft.sync.state]}`)
        }
        const { draft, copies, sent } = await settled(main)
        const copy = onlyCopy(draft, copies)
        mainCopy = copy
        claim(
          draft.sync.state === 'synchronized',
          `after the upload the draft should be synchronized, not ${draft.sync.state}`,
        )
        claim(copy.uid !== old?.uid, 'the copy on the server was not replaced')
        await claimFileOnServer(draft, copy)
        say(`in the mailbox: 1 copy, UID ${copy.uid}, ${bytesText(copy.size)}; UID ${old?.uid} is gone`)
        say(`by ${draft.sync.last_upload?.method ?? 'an unknown method'}: ${uploadText(draft, copy)}`)
        say(...stateTexts(draft, sent))
        for (const _ of edits) copyPerSave.push(copy.size)
        record('edited, replaced', draft, sent)
      },
    },
    {
      title: 'A second draft, uploaded',
      run: async (say) => {
        const created = await client.request<DraftJson>('POST', `/accounts/${account}/drafts`, {
          json: { to: 'bob@example.org', subject: 'Never mind', text: 'Hello Bob,' },
        })
        second = created.id
        draftIds.push(created.id)
        const { draft, copies, sent } = await settled(second)
        const copy = onlyCopy(draft, copies)
        say(`in the mailbox: 1 copy, UID ${copy.uid}, ${bytesText(copy.size)}`)
        say(...stateTexts(draft, sent))
        record('second, uploaded', draft, sent)
      },
    },
    {
      title: 'Discard it: the copy on the server goes',
      run: async (say) => {
        await client.request<DraftJson>('DELETE', pathOf(second))
        const { draft, copies, sent } = await settled(second)
        claim(draft.status === 'discarded', `the draft should be discarded, not ${draft.status}`)
        claim(copies.length === 0, `of the discarded draft ${copies.length} copies are on the server`)
        const kept = await read(main)
        onlyCopy(kept, await mailbox.copies(kept.sync.folder, main))
        say('in the mailbox: 0 copies of it, and still 1 of the first')
        say(...stateTexts(draft, sent))
        record('second, discarded', draft, sent)
      },
    },
    ...(mailbox.smtp === null ? [] : [sendStep()]),
    ...(mailbox.correspondence === null
      ? []
      : answeringSteps(client, mailbox.correspondence, {
          account: () => account,
          made: (draft, step) => {
            draftIds.push(draft.id)
            rows.push([step, draft.status, `v${draft.version}`, draft.sync.state, uidText(draft), '–'])
          },
        })),
  ]

  function sendStep(): Step {
    return {
      title: 'Send the first: one mail, one copy in Sent, and none among the drafts',
      run: async (say) => {
        const { sync: before } = await read(main)
        const queued = await client.request<SendJson>('POST', `${pathOf(main)}/send`)
        const send = await endOf(queued)
        claim(send.status === 'sent', `the mail should be sent, it is ${send.status} (${send.error?.message ?? '–'})`)
        const [recipient] = send.recipients
        say(`taken by the server for ${oneLine(recipient?.address ?? '')}${queueText(send)}`)
        const { length } = await mailbox.sentCopies(send.message_id)
        claim(length === 1, `there should be 1 copy in Sent, there are ${length}`)
        const left = await mailbox.copies(before.folder, main)
        claim(left.length === 0, `of the draft that was sent ${left.length} copies are among the drafts`)
        const draft = await read(main)
        claim(draft.status === 'sent', `the draft should be sent, not ${draft.status}`)
        say(`in the mailbox: 1 copy in Sent, seen there ${send.verified_at ?? '–'}, and 0 among the drafts`)
        rows.push(['sent', draft.status, `v${draft.version}`, draft.sync.state, uidText(draft), '–'])
      },
    }
  }

  /** What the send is when its copy is in Sent and the draft's are gone, or when it has failed. */
  async function endOf({ id, account_id: accountId }: SendJson): Promise<SendJson> {
    const signal = AbortSignal.timeout(waitSeconds * 1000)
    // From the first event on: none of them is missed.
    for await (const event of client.events({ accountId, after: 0, signal })) {
      if (event.type !== 'send-status-changed' || event.send_id !== id) continue
      if (['cleaned', 'failed', 'unknown', 'parked'].includes(event.phase)) break
    }
    return await client.request<SendJson>('GET', `/track/${id}`)
  }

  async function claimFileOnServer(draft: DraftJson, copy: Copy): Promise<void> {
    const hashes = await mailbox.attachmentHashes(draft.sync.folder ?? '', copy.uid)
    claim(hashes.length === 1 && hashes[0] === fileHash, 'the file in the copy on the server is not the file attached')
  }

  return {
    steps,
    made: () => ({ account: account === '' ? null : account, draftIds }),
    summary: () => {
      const copies = copyPerSave.reduce((sum, size) => sum + size, 0)
      return [
        table(['STEP', 'STATUS', 'VERSION', 'SYNC STATE', 'SERVER UID', 'SENT'], rows),
        '',
        `sent to the mail server, measured:          ${bytesText(bytesSent)}`,
        `a copy per save would have sent, computed:  ${bytesText(copies)} (${copyPerSave.length} saves had the file)`,
      ].join('\n')
    },
  }
}

function serverJson({ host, port, security, user, password, allowUntrusted }: ServerSettings): object {
  return { host, port, security, user, password, ...(allowUntrusted === true ? { allow_untrusted: true } : {}) }
}

/** The server's own name for the mail. */
function queueText({ queue_id: queueId }: SendJson): string {
  return queueId === null ? '' : `, as ${oneLine(queueId)}`
}

const textBefore = 'Dear Ann,\n\nhere are the minutes of Tuesday.\n\nYours'

const meaningOf: Readonly<Record<DraftJson['sync']['state'], string>> = {
  'local-only': 'on this device, not on the server yet',
  synchronized: 'on the server as it is here',
  'stale-server': 'an older version is on the server',
}

/** Sync state, server UID and bytes over the wire, as every step says them. */
function stateTexts(draft: DraftJson, sent: number): readonly [string, string] {
  const meaning = draft.status === 'discarded' ? 'discarded' : meaningOf[draft.sync.state]
  return [`sync ${draft.sync.state}: ${meaning}`, `server UID ${uidText(draft)}, ${bytesText(sent)} over the wire`]
}

function uidText(draft: DraftJson): string {
  return String(draft.sync.uid ?? '–')
}

function uploadText(draft: DraftJson, copy: Copy): string {
  const sent = draft.sync.last_upload?.bytes_sent
  if (sent === undefined) return 'size not known'
  const reuse =
    sent < copy.size / 2
      ? '; the file was taken from the copy that lay there'
      : '; this server cannot take the file from the copy that lay there'
  return `${bytesText(sent)} for a message of ${bytesText(copy.size)}${reuse}`
}

/** The one copy there should be, and the one that the daemon names. */
function onlyCopy(draft: DraftJson, copies: readonly Copy[]): Copy {
  const [copy] = copies
  if (copy === undefined || copies.length > 1) {
    throw new ClaimFailure(
      `not as claimed: there should be 1 copy on the server, there are ${copies.length} (UID ${copies.map(({ uid }) => uid).join(', ') || '–'})`,
    )
  }
  claim(copy.uid === draft.sync.uid, `the copy on the server has UID ${copy.uid}, the daemon says ${draft.sync.uid}`)
  return copy
}
