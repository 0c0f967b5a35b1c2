import { createDraftManager } from '../draft-manager/draft-manager.ts'
import type { LastError } from '../draft/draft.ts'
import { createBundles } from '../draft-manager/bundles.ts'
import { defaultRetention } from '../draft/retention.ts'
import type { Connectivity, Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { EngineEvent } from '../events.ts'
import { type AccountId, type DeviceId, uuidv7 } from '../ids.ts'
import { createQueue, type Queued } from '../queue/queue.ts'
import { createSessions } from '../queue/sessions.ts'
import { createSubmissions } from '../queue/submissions.ts'
import { createWatcher, type Watcher } from '../queue/watcher.ts'
import { getAccount, listAccounts } from '../storage/accounts.ts'
import { type Answered, whenAnswered } from '../storage/direct.ts'
import { pendingImports } from '../storage/imports.ts'
import type { BlobStore } from '../storage/blob-store.ts'
import { bringInside, dropIncompleteBlobs, useBlobPlaces, whileUnswept } from '../storage/blobs.ts'
import { figures } from '../storage/figures.ts'
import { confirmLosses } from '../storage/folders.ts'
import { draftsInNeed, draftsToSettle, draftsToUpload } from '../storage/draft-states.ts'
import { listDrafts } from '../storage/drafts.ts'
import { renewEpoch, wasRestored } from '../storage/epoch.ts'
import { metaValue } from '../storage/meta.ts'
import { openSends } from '../storage/sends.ts'
import type { OpenStorage, Storage } from '../storage/storage.ts'
import type { Db } from '../storage/db.ts'
import { openStore, type Store, type Write } from '../storage/store.ts'
import { wakeOffline, wakeTasks } from '../storage/tasks.ts'
import { localTasks, wireTasks } from '../tasks/registry.ts'
import { holdRestored } from '../tasks/steps/hold-restored.ts'
import { leaveRestoredMail } from '../tasks/steps/leave-restored-mail.ts'
import { sendFollowUps } from '../tasks/steps/send-follow-ups.ts'
import { lookIntoInbox } from '../tasks/steps/answer-mail.ts'
import { foldersToWatch, inboxAndSent } from '../tasks/steps/special-folders.ts'
import { importTheRest } from '../tasks/steps/take-in.ts'
import { createToken } from '../sync/message-ids.ts'
import { type FollowUp, type LocalTask, syncAfter, uploadInNeed } from '../tasks/task.ts'
import type { Secrets } from '../secrets.ts'
import type { MailboxPort } from '../wire/mailbox.ts'
import type { Responders } from '../wire/responder.ts'
import type { SubmissionPort } from '../wire/submission.ts'
import { createAccounts } from './accounts.ts'
import { createApiTokens } from './api-tokens.ts'
import { createAskResponder } from './ask-responder.ts'
import type { Engine, SyncOptions, SyncReport } from './api.ts'
import { createDrafts } from './drafts.ts'
import { createEventFeed } from './event-feed.ts'
import { housekeep, type HousekeepingPolicy } from './housekeeper.ts'
import { createIndexer } from './indexer.ts'
import { createOutcomes } from './outcomes.ts'
import type { EngineParts } from './parts.ts'
import { platformEnvironment, platformNow, platformSchedule } from './platform.ts'
import { createKeyRotation } from './key-rotation.ts'
import { createLogIns, type TokenProvider } from './log-ins.ts'
import { createResponders } from './responders.ts'
import { createSends } from './sends.ts'
import { createTasks } from './tasks.ts'
import { createTemplates } from './templates.ts'
import { createWebhooks, sealWebhookSecrets } from './webhooks.ts'

export interface EngineOptions {
  readonly storage: Storage
  /** Where the bytes of attachments of more than 64 KiB lie. Default: in the storage. */
  readonly blobs?: BlobStore
  readonly mailbox: MailboxPort
  /** Without it this engine sends nothing. */
  readonly submission?: SubmissionPort
  /** Seals passwords and refresh tokens. Without it they lie in the storage as they are. */
  readonly secrets?: Secrets
  /** Gives access tokens to accounts that log in by them. */
  readonly tokens?: TokenProvider
  /** Parts of the platform to replace: the clock, the random source, timers, SHA-256. */
  readonly environment?: Partial<Environment>
  /** Says whether there is a network; without it that is learnt from failures. */
  readonly connectivity?: Connectivity
  /** What accounts may have their new mail answered by. Without it this engine leaves new mail to one that has it. */
  readonly responders?: Responders
  /** What responders write is for a person to send; false: it is sent at once. Default true. */
  readonly draftOnly?: boolean
  /**
   * Keeps a connection for each account and listens: what happens in Drafts and Sent is known at once. False: every
   * `pollMs` only. Default true.
   */
  readonly watch?: boolean
  /**
   * Before the first upload of an account, and when its server has changed: finds out what the server does to drafts, by a
   * small message that is stored in Drafts and removed at once. False: never. Default true.
   */
  readonly probe?: boolean
  readonly timing?: Partial<EngineTiming>
  readonly housekeeping?: Partial<HousekeepingPolicy>
}

/** All in milliseconds. */
export interface EngineTiming {
  /** From the last save to its upload: a debounce. Default 1,500. */
  readonly uploadDelayMs: number
  /** However fast somebody types, an upload starts this long after the first save. Default 30,000. */
  readonly longestUploadDelayMs: number
  /** Silence of a server after which a command counts as lost. Default 30,000. */
  readonly wireTimeoutMs: number
  /** A connection that nothing uses is closed after this. Default 60,000. */
  readonly idleConnectionMs: number
  /** Between two rounds over the Drafts folder where nothing else asks for one. Default 300,000. */
  readonly pollMs: number
  /** First and longest back-off after a failure, with full jitter. Default 1,000 and 3,600,000. */
  readonly firstBackOffMs: number
  readonly longestBackOffMs: number
  /** The longest back-off while the server cannot be reached. Default 60,000. */
  readonly longestOfflineBackOffMs: number
  /** How long a server of which nothing is known yet has to file a sent mail by itself, before we do. Default 10,000. */
  readonly sentCopyWaitMs: number
  /** After the sending, when we look whether it has filed one all the same. Default 120,000. */
  readonly sentCopyLookAgainMs: number
  /** How long after a mail went INBOX is looked into for what came back of it; 0: never. Default 7 days. */
  readonly bounceWatchMs: number
}

const defaultTiming: EngineTiming = {
  uploadDelayMs: 1_500,
  longestUploadDelayMs: 30_000,
  wireTimeoutMs: 30_000,
  idleConnectionMs: 60_000,
  pollMs: 300_000,
  firstBackOffMs: 1_000,
  longestBackOffMs: 3_600_000,
  longestOfflineBackOffMs: 60_000,
  sentCopyWaitMs: 10_000,
  sentCopyLookAgainMs: 120_000,
  // Servers try for five days (RFC 5321 §4.5.4.1).
  bounceWatchMs: 7 * 24 * 3_600_000,
}

/** After these the full-text index is behind. */
const contentEvents: ReadonlySet<EngineEvent['type']> = new Set(['draft-created', 'draft-saved', 'draft-moved'])
/** As many as a save may have to wait for. */
const markersPerPage = 200
const closeGraceMs = 5_000
const firstHousekeepingMs = 30_000
const housekeepingMs = 3_600_000
const dayMs = 24 * 3_600_000

const defaultHousekeeping: HousekeepingPolicy = {
  history: defaultRetention,
  trashMs: 30 * dayMs,
  logMs: 30 * dayMs,
  sendMs: 365 * dayMs,
}

/**
 * Opens the store, takes up what an earlier run left, and starts the queue.
 * @throws {EverdraftError} STORAGE_IN_USE, STORAGE_TOO_NEW, STORAGE_ERROR
 */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const opened = await openStore(options.storage, {
    now: options.environment?.now ?? platformNow,
    schedule: options.environment?.schedule ?? platformSchedule,
  })
  try {
    return await startEngine(options, opened)
  } catch (error) {
    // Else the file would stay locked, by nobody.
    await opened.store.close()
    throw error
  }
}

async function startEngine(
  options: EngineOptions,
  { store, open }: { readonly store: Store; readonly open: OpenStorage },
): Promise<Engine> {
  const timing = { ...defaultTiming, ...options.timing }
  const environment: Environment = { ...platformEnvironment(open.createSha256), ...options.environment }
  const offlineBackOff = { firstMs: timing.firstBackOffMs, longestMs: timing.longestOfflineBackOffMs }
  // A file is read while the rest begins.
  const whetherRestored = open.epochFile === undefined ? Promise.resolve(false) : wasRestored(store, open.epochFile)
  // Should the start fail before anybody waits for it.
  whetherRestored.catch(() => {})
  const logIns = createLogIns(store, options.secrets ?? null, options.tokens ?? null)
  await logIns.sealAll()
  await sealWebhookSecrets(store, options.secrets ?? null)
  const sessions = createSessions({
    store,
    environment,
    mailbox: options.mailbox,
    async settings(accountId) {
      const settings = await logIns.settings(accountId, 'imap')
      if (settings === null) throw new EverdraftError('NOT_FOUND', 'the account has no mailbox')
      return settings
    },
    timeoutMs: timing.wireTimeoutMs,
    idleMs: timing.idleConnectionMs,
    offlineBackOff,
    connectivity: options.connectivity ?? null,
  })
  const submissions = createSubmissions({
    port: options.submission ?? null,
    settings: (accountId) => logIns.settings(accountId, 'smtp'),
    environment,
    timeoutMs: timing.wireTimeoutMs,
    idleMs: timing.idleConnectionMs,
    offlineBackOff,
    connectivity: options.connectivity ?? null,
  })
  const listening = { sessions, environment, backOff: offlineBackOff, pollMs: timing.pollMs }
  const draftsWatcher = createWatcher({
    ...listening,
    connection: 'shared',
    folders: foldersToWatch,
    // What happens in Drafts is waited for, and Sent only explains it.
    firstOfAll: true,
    onChange: (accountId) => doSoon(syncAfter(accountId, 0)),
  })
  const inboxWatcher = createWatcher({
    ...listening,
    connection: 'own',
    folders: inboxAndSent,
    firstOfAll: false,
    onChange: (accountId, path) => doSoon(path === 'INBOX' ? lookIntoInbox(accountId, 0) : syncAfter(accountId, 0)),
  })
  const watcher: Watcher = {
    watch: (accountId) => draftsWatcher.watch(accountId),
    drop(accountId) {
      draftsWatcher.drop(accountId)
      inboxWatcher.drop(accountId)
    },
    close: async () => void (await Promise.all([draftsWatcher.close(), inboxWatcher.close()])),
  }
  function doSoon(followUp: FollowUp): void {
    // The store may close meanwhile, and then the next start looks.
    store
      .write((write) => queue.enqueue(write, [followUp]))
      .then(
        () => queue.wake(),
        () => {},
      )
  }
  const queue = createQueue({
    store,
    sessions,
    submissions,
    sentCopy: { waitMs: timing.sentCopyWaitMs, lookAgainMs: timing.sentCopyLookAgainMs },
    bounces: { reader: options.mailbox.bounces ?? null, forMs: timing.bounceWatchMs },
    responders: {
      draftOnly: options.draftOnly !== false,
      ask:
        options.responders === undefined
          ? null
          : createAskResponder({
              responders: options.responders,
              environment,
              secret: async (accountId) => (await logIns.responderSecret(accountId)) ?? '',
            }),
    },
    environment,
    format: options.mailbox.format,
    tasks: wireTasks,
    concurrency: 128,
    pollMs: timing.pollMs,
    probes: options.probe !== false,
    taskBackOff: { firstMs: timing.firstBackOffMs, longestMs: timing.longestBackOffMs },
    offlineBackOff,
    watch(accountId) {
      if (options.watch !== false) watcher.watch(accountId)
    },
    watchInbox(accountId) {
      if (options.watch !== false) inboxWatcher.watch(accountId)
    },
  })
  const isRestored = await whetherRestored
  // What no answer may come before. Both share a commit.
  const [, device] = await Promise.all([
    queue.recover(),
    store.write(async (write) => {
      await dropIncompleteBlobs(write.db)
      if (isRestored) {
        await holdRestored(write, environment.now())
        await leaveRestoredMail(write, environment.now())
      }
      const sends = await openSends(write.db, null)
      await queue.enqueue(
        write,
        sends.flatMap((send) => sendFollowUps(send, environment.now())),
      )
      return await metaValue(write.db, 'device_id', () => uuidv7(environment.now(), environment.random))
    }),
  ])
  await useBlobPlaces(store, { given: options.blobs, own: open.attachments, owner: device })
  const feed = createEventFeed(store, environment)
  const closing = new AbortController()
  const policy = { ...defaultHousekeeping, ...options.housekeeping }

  const parts: EngineParts = {
    store,
    queue,
    sessions,
    submissions,
    logIns,
    submission: options.submission ?? null,
    probes: options.probe !== false,
    wireTimeoutMs: timing.wireTimeoutMs,
    watcher,
    environment,
    format: options.mailbox.format,
    device: device as DeviceId,
    closing: closing.signal,
    uploadDelay: { delayMs: timing.uploadDelayMs, join: { longestWaitMs: timing.longestUploadDelayMs } },
    async run<Input, Result, Answer>(
      task: LocalTask<Input, Result>,
      input: Input,
      read: (db: Db, result: Result, queued: readonly Queued[]) => Answered<Answer>,
    ): Promise<Answer> {
      const now = environment.now()
      const { answer, followUps } = await store.write((write) => {
        const { uploadDelay } = parts
        const context = { write, environment, now, device: parts.device, uploadDelay }
        return whenAnswered(task.plan(context, input), (planned) =>
          whenAnswered(queue.enqueue(write, planned.followUps), (queued) =>
            whenAnswered(read(write.db, planned.result, queued), (said) => {
              return { answer: said, followUps: planned.followUps }
            }),
          ),
        )
      }, task.changes)
      queue.wakeFor(followUps)
      return answer
    },
    async discardAll(accountId) {
      for (;;) {
        const query = { accountId, status: 'draft', syncState: null, tag: null, limit: 100, offset: 0 } as const
        const { items } = await store.read((db) => listDrafts(db, query))
        if (items.length === 0) break
        for (const { id } of items) {
          const discard = { draftId: id, baseVersion: null, by: 'user', device: null } as const
          await parts.run(localTasks.draft_discard, discard, async () => null)
        }
      }
      await queue.settled(accountId, timing.wireTimeoutMs)
    },
  }

  const indexer = createIndexer(parts)
  store.onEvents((events) => {
    if (events.some((event) => contentEvents.has(event.type))) indexer.wake('saved')
    else if (events.some((event) => event.type === 'draft-imported')) indexer.wake('imported')
    for (const event of events) {
      // A QUIT that fails has ended the connection all the same.
      if (event.type === 'account-removed') submissions.drop(event.accountId).catch(() => {})
    }
  })

  const endConnectivity = options.connectivity?.subscribe(() => {
    if (closing.signal.aborted || options.connectivity?.isOnline() !== true) return
    sessions.allowAll()
    submissions.allowAll()
    // The store may close meanwhile: then there is nothing left to wake.
    store
      .write(({ db }) => wakeOffline(db, environment.now()))
      .then(
        () => queue.wake(),
        () => {},
      )
  })

  let renewal: Promise<void> = Promise.resolve()
  // After what is asked for as soon as there is an engine: the tasks of drafts were stored with them, so that seldom one is
  // to be added, and no answer is another for it.
  const cancelFirstLook = environment.schedule(0, () => {
    // Nobody waits for it. Where it fails the epoch is that of before, and the next start begins another.
    beginEpoch().catch(() => {})
    indexer.wake('saved')
    deriveAll().catch(() => {})
  })

  /** Copies of the database that were made until now are backups from now on. */
  function beginEpoch(): Promise<void> {
    const { epochFile } = open
    if (epochFile === undefined) return renewal
    const next = renewal.then(() => renewEpoch(store, epochFile, createToken(environment.random)))
    renewal = next.catch(() => {})
    return next
  }

  /** The markers of a page of drafts. @returns the last draft of the page; null where there are no more */
  async function deriveUploads(write: Write, after: string): Promise<string | null> {
    const drafts = await draftsToUpload(write.db, after, markersPerPage)
    await queue.enqueue(write, drafts.filter(({ isQueued }) => !isQueued).map(uploadInNeed))
    return drafts.length < markersPerPage ? null : (drafts.at(-1)?.id ?? null)
  }

  /** Page by page, as a save may have to wait for one. Where the store is closed or refuses, the next start looks again. */
  async function deriveAll(): Promise<void> {
    try {
      let after = await store.write(async (write) => {
        await deriveMarkers(write)
        return await deriveUploads(write, '')
      })
      queue.wake()
      while (after !== null && !closing.signal.aborted) {
        const page: string = after
        after = await store.write((write) => deriveUploads(write, page))
      }
    } finally {
      queue.wake()
    }
  }

  /** The markers that are to run, from the durable state of the drafts: what the queue's rows lack is added. */
  async function deriveMarkers({ db, emit }: Write): Promise<void> {
    const uploads = (await draftsToSettle(db)).map(uploadInNeed)
    const { items } = await listAccounts(db, null, { limit: 1_000_000, offset: 0 })
    const syncs = items.map(({ id }) => syncAfter(id, 0))
    const imports = (await pendingImports(db, null)).map(importTheRest)
    await queue.enqueue({ db, emit }, [...uploads, ...imports, ...syncs])
  }

  async function sync(accountId: AccountId, { waitMs, confirmLosses: confirm }: SyncOptions = {}): Promise<SyncReport> {
    const before = sessions.bytes(accountId)
    const heard: EngineEvent[] = []
    const endHearing = feed.subscribe({ accountId }, (event) => void heard.push(event))
    try {
      sessions.allow(accountId)
      submissions.allow(accountId)
      await store.write(async (write) => {
        await getAccount(write.db, accountId)
        if (confirm === true) await confirmLosses(write.db, accountId)
        const now = environment.now()
        const uploads = (await draftsInNeed(write.db, accountId)).map(uploadInNeed)
        await queue.enqueue(write, [syncAfter(accountId, 0), ...uploads])
        await wakeTasks(write.db, accountId, now, null)
      })
      queue.wake()
      const settled = waitMs === 0 ? false : await queue.settled(accountId, waitMs ?? null)
      const pending = (await store.read((db) => draftsInNeed(db, accountId))).length
      const after = sessions.bytes(accountId)
      return {
        ...countEvents(heard),
        pending,
        bytesSent: after.sent - before.sent,
        bytesReceived: after.received - before.received,
        settled,
      }
    } finally {
      endHearing()
    }
  }

  let cancelHousekeeping = environment.schedule(firstHousekeepingMs, keepHouse)
  function keepHouse(): void {
    cancelHousekeeping = environment.schedule(housekeepingMs, keepHouse)
    // A full disk, or the store was closed meanwhile: the next hour tries again.
    housekeep(store, environment, policy).catch(() => {})
  }

  let closed: Promise<void> | null = null
  async function close(): Promise<void> {
    closing.abort()
    endConnectivity?.()
    cancelFirstLook()
    cancelHousekeeping()
    const unwatched = watcher.close()
    await queue.close(closeGraceMs)
    await unwatched
    await sessions.close()
    await submissions.close()
    // Also of what was copied while it was in use.
    await beginEpoch().catch(() => {})
    await store.close()
  }

  return {
    accounts: createAccounts(parts),
    drafts: createDrafts(parts),
    draftManager: createDraftManager(parts),
    sends: createSends(parts),
    templates: createTemplates(parts),
    tasks: createTasks(parts),
    bundles: createBundles(parts),
    apiTokens: createApiTokens(parts),
    responders: createResponders(parts, (accountId) => inboxWatcher.drop(accountId)),
    outcomes: createOutcomes(parts),
    webhooks: createWebhooks(parts, options.secrets ?? null),
    sync,
    subscribe: feed.subscribe,
    events: { page: feed.page },
    async figures() {
      await store.writeWhatIsLeft()
      return await store.read((db) => figures(db, environment.now()))
    },
    changeMark: () => store.changeMark(),
    rotateKey: createKeyRotation(parts, options.secrets ?? null),
    async backup(destination) {
      if (open.backup === undefined) throw new EverdraftError('STORAGE_ERROR', 'this store makes no copies of itself')
      await whileUnswept(store, async () => open.backup?.(destination, (copy) => bringInside(copy, store)))
      await beginEpoch()
    },
    async housekeep() {
      await indexer.caughtUp()
      return await housekeep(store, environment, policy)
    },
    close: () => (closed ??= close()),
    [Symbol.asyncDispose]: () => (closed ??= close()),
  }
}

function countEvents(
  events: readonly EngineEvent[],
): Pick<SyncReport, 'uploaded' | 'replaced' | 'imported' | 'purged' | 'errors'> {
  const uploads = events.filter((event) => event.type === 'upload-finished')
  const errors = new Map<string, LastError>()
  for (const event of events) {
    if (event.type === 'losses-held') errors.set(event.error.code, event.error)
    if (event.type !== 'task-retrying' && event.type !== 'task-parked' && event.type !== 'task-failed') continue
    errors.set(`${event.error.code} ${event.error.message}`, event.error)
  }
  return {
    uploaded: uploads.filter((event) => !event.replaced).length,
    replaced: uploads.filter((event) => event.replaced).length,
    imported: events.filter((event) => event.type === 'draft-imported').length,
    purged: events.filter((event) => event.type === 'draft-purged').length,
    errors: [...errors.values()],
  }
}
