import { join } from 'node:path'

// The store and the format of messages are no dependencies of this package: they are taken through their own doors.
import { mimeFormat } from '../../mail/src/index.ts'
import { sqlite } from '../../sqlite/src/index.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { defaultOwner } from '../src/access.ts'
import { emptyContent } from '../src/draft/draft.ts'
import { platformEnvironment } from '../src/engine/platform.ts'
import type {
  AccountId,
  AttemptId,
  ConversationId,
  DeviceId,
  FolderPath,
  OutcomeId,
  Uid,
  UidValidity,
  Umid,
  Version,
} from '../src/ids.ts'
import { insertAccount } from '../src/storage/accounts.ts'
import { insertAttempt } from '../src/storage/attempts.ts'
import { inOnePiece } from '../src/storage/chunks.ts'
import { applyDraftEvent } from '../src/storage/draft-states.ts'
import { insertDraft } from '../src/storage/drafts.ts'
import { insertOutcome } from '../src/storage/email-outcomes.ts'
import { insertRevisions } from '../src/storage/revisions.ts'
import { openStore, type Store } from '../src/storage/store.ts'
import { outcomeCorrelate } from '../src/tasks/outcome-correlate.ts'
import { forget } from '../src/tasks/steps/outcome-memory.ts'
import type { ExecuteContext } from '../src/tasks/task.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../src/wire/mailbox.ts'
import { begin, draftOf, mailOf, uploadId } from './made-up-mailbox.ts'

export interface SentToOutcome {
  /** What was read at the looks before is remembered. */
  readonly warmMs: readonly number[]
  /** Right after a start. */
  readonly coldMs: readonly number[]
  /** That were found to be the drafts that they were. */
  readonly right: number
}

const accountId = 'account' as AccountId
const folder = (path: string): FolderPath => path as FolderPath
const uidValidity = 7 as UidValidity

/**
 * From the bytes of a mail in Sent, whose draft has vanished from Drafts, to the row of its outcome on the disk: by the task itself, on
 * a store with that many open drafts. Of the server there is only what it would say.
 */
export async function measureSentToOutcome(plan: {
  readonly drafts: number
  readonly mails: number
  readonly cold: number
}): Promise<SentToOutcome> {
  await using place = await benchFolder()
  const environment = platformEnvironment(undefined)
  // A while after the last draft was made.
  let now = begin + plan.drafts * 1_000 + 3_600_000
  const clock = { ...environment, now: () => now }
  const { store, open } = await openStore(sqlite(join(place.path, 'everdraft.db')), clock)
  await fill(store, plan.drafts)
  let seenAt = 0
  let storedAt = 0
  let right = 0
  const named = new Set<string>()
  store.onEvents((events) => {
    for (const event of events) {
      if (event.type !== 'outcome.sent') continue
      storedAt = performance.now()
      named.add(event.draftId)
    }
  })
  const sent: Uint8Array[] = []
  const session = sessionOf(sent, () => void (seenAt = performance.now()))
  const context: ExecuteContext = {
    accountId,
    environment: { ...clock, createSha256: open.createSha256 ?? environment.createSha256 },
    store,
    format: mimeFormat(),
    signal: new AbortController().signal,
    pollMs: 300_000,
    urgent: false,
    probes: false,
    watch: () => {},
    watchInbox: () => {},
    session: async () => session,
    submission: () => Promise.reject(new Error('nothing is sent')),
    sentCopy: { waitMs: 0, lookAgainMs: 0 },
    bounces: { reader: null, forMs: 0 },
    responders: { draftOnly: true, ask: null },
    write: (change) => store.write(change),
  }

  async function timeOf(at: number): Promise<number> {
    now += 60_000
    sent.push(rawOf(at, now - 1_000))
    await store.write((write) => applyDraftEvent(write, umidOf(at), { type: 'name-vanished', at: now }, now))
    now += 500
    await outcomeCorrelate.execute(context, accountId)
    if (named.has(umidOf(at))) right += 1
    return storedAt - seenAt
  }

  await outcomeCorrelate.execute(context, accountId)
  const chosen = Array.from({ length: plan.mails + plan.cold }, (_, index) => (index * 7_919) % plan.drafts)
  const warmMs: number[] = []
  for (const at of chosen.slice(0, plan.mails)) warmMs.push(await timeOf(at))
  const coldMs: number[] = []
  for (const at of chosen.slice(plan.mails)) {
    forget(context)
    coldMs.push(await timeOf(at))
  }
  await store.close()
  return { warmMs, coldMs, right }
}

function umidOf(at: number): Umid {
  return draftOf(at).draftId
}

/** Ids dropped, edited, thread kept: as most programs send. */
function rawOf(at: number, sentAt: number): Uint8Array {
  const { content } = mailOf(at, 'threaded')
  const lines = [
    'From: ann@example.org',
    `To: ${content.to[0]?.address}`,
    `Subject: ${content.subject}`,
    `Date: ${new Date(sentAt).toUTCString()}`,
    `Message-ID: <${at}.${sentAt}@mail.example.org>`,
    `In-Reply-To: ${content.inReplyTo}`,
    `References: ${content.references.join(' ')}`,
    'Content-Type: text/plain; charset=utf-8',
    '',
    content.text,
  ]
  return new TextEncoder().encode(lines.join('\n').replaceAll('\n', '\r\n'))
}

/** Sent as a server without anything special shows it. */
function sessionOf(sent: readonly Uint8Array[], onSeen: () => void): MailboxSession {
  const uids = (): readonly Uid[] => sent.map((_, at) => (at + 1) as Uid)
  const identity = (uid: Uid): MessageIdentity => ({
    uid,
    messageId: null,
    everdraftId: null,
    everdraftBase: null,
    everdraftAnswers: null,
    size: sent[uid - 1]?.length ?? 0,
    deleted: false,
    draft: false,
    answered: false,
  })
  const capabilities = { objectId: false, gmail: false } as MailboxSession['capabilities']
  const known: Partial<MailboxSession> = {
    capabilities,
    folders: async () => [{ path: folder('Sent'), delimiter: '/', specialUse: 'sent', selectable: true }],
    select: async (path): Promise<FolderState> => ({
      path,
      uidValidity,
      uidNext: (sent.length + 1) as Uid,
      exists: sent.length,
      highestModseq: null,
    }),
    uids: async () => uids(),
    details: async () => [],
    headerFields: async () => [],
    uidsSince: async () => uids(),
    identities: async (wanted) => wanted.filter((uid) => uid <= sent.length).map(identity),
    fetchRaw: async (uid) => {
      onSeen()
      return inOnePiece(sent[uid - 1] as Uint8Array)
    },
  }
  return known as MailboxSession
}

const batch = 500

async function fill(store: Store, drafts: number): Promise<void> {
  const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann' } as const
  const account = { id: accountId, owner: defaultOwner, address: 'ann@example.org', name: 'Ann Example' }
  await store.write(({ db }) => insertAccount(db, { ...account, imap, smtp: null, createdAt: begin }, []))
  for (let first = 0; first < drafts; first += batch) {
    await store.write(async (write) => {
      for (let at = first; at < Math.min(drafts, first + batch); at += 1)
        await addDraft({ ...write, emit: () => {} }, at)
    })
  }
}

async function addDraft(write: Parameters<Parameters<Store['write']>[0]>[0], at: number): Promise<void> {
  const { draftId: id, createdAt, token, versions } = draftOf(at)
  const content = { ...emptyContent, ...versions[0], attachments: [] }
  const version = 1 as Version
  await insertDraft(write.db, { id, accountId, token, policy: 'sync', content, now: createdAt })
  const device = 'bench' as DeviceId
  const revision = { version, content, savedAt: createdAt, device, by: 'program', fieldsChanged: [] } as const
  await insertRevisions(write.db, id, [revision], null)
  const copy = {
    accountId,
    folder: folder('Drafts'),
    uidValidity,
    version,
    messageId: uploadId(at),
  } as const
  const attemptId = `attempt ${at}` as AttemptId
  await insertAttempt(write.db, {
    ...copy,
    id: attemptId,
    draftId: id,
    baseMessageId: null,
    digest: '',
    method: 'append',
    uidNext: null,
    parts: [],
    size: 1_000,
    state: 'stored',
    bytesSent: 1_000,
    createdAt,
    endedAt: createdAt,
  })
  const receipt = { ...copy, uid: (at + 1) as Uid, attemptId }
  await applyDraftEvent(write, id, { type: 'uploaded', receipt, replaced: null }, createdAt)
  await insertOutcome(write, {
    id: `outcome ${at}` as OutcomeId,
    accountId,
    ...defaultOwner,
    userName: 'Ann Example',
    messageId: id,
    conversationId: `conversation ${at}` as ConversationId,
    replyToMessageId: content.inReplyTo,
    scenario: null,
    draftSubject: content.subject,
    draftBody: content.text,
    finalSubject: content.subject,
    finalBody: content.text,
    metadata: {},
    status: 'draft_created',
    createdAt,
    superseded: null,
    sent: null,
    verdict: 'pending',
  })
}
