import { EverdraftError, validationError } from '../errors.ts'
import { type EventType, eventTypes } from '../events.ts'
import { type EventCursor, toHex, uuidv7, type WebhookId } from '../ids.ts'
import type { Secrets } from '../secrets.ts'
import { eventPage } from '../storage/events.ts'
import type { Store } from '../storage/store.ts'
import {
  allWebhookSecrets,
  deleteWebhook,
  getWebhook,
  insertDelivery,
  insertWebhook,
  listDeliveries,
  listWebhooks,
  replaceWebhookSecret,
  sealWebhookAnew,
  setWebhookProgress,
  type StoredWebhookSecret,
  updateWebhook,
  type Webhook,
  webhookSecrets,
} from '../storage/webhooks.ts'
import type { Webhooks } from './api.ts'
import { checkedUrl } from './outside-url.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'
import { progressAfter, progressFrom } from './webhook-progress.ts'

/** What tells leaked secrets apart from other random text. */
const prefix = 'whsec_'
const secretBytes = 32
/** Longer than any deployment takes: two secrets that open the same door are one too many. */
const longestOverlapMs = 7 * 24 * 3_600_000
const defaultOverlapMs = 24 * 3_600_000
/** Each is a connection of its own at each event. */
const mostPerOwner = 50

export function createWebhooks({ store, environment }: EngineParts, secrets: Secrets | null): Webhooks {
  const newSecret = (): string => `${prefix}${toHex(environment.random(secretBytes))}`

  return {
    async add({ owner, accountId = null, allowPrivate = false, ...input }) {
      const now = environment.now()
      const id = uuidv7(now, environment.random) as WebhookId
      const url = checkedUrl(input.url, allowPrivate)
      const events = input.events === undefined ? null : checkedEvents(input.events)
      const secret = newSecret()
      const stored = await seal(secrets, id, secret)
      const webhook = await store.write(async ({ db }) => {
        const { total } = await listWebhooks(db, owner, { limit: 1, offset: 0 })
        if (total >= mostPerOwner) throw validationError('url', `there are ${mostPerOwner} webhooks already`)
        const { next } = await eventPage(db, { owner, accountId: null }, { after: null, limit: 1 })
        const made: Webhook = {
          id,
          owner,
          url,
          events,
          accountId,
          allowPrivate,
          createdAt: now,
          previousSecretUntil: null,
          progress: { cursor: next, failures: 0, failingSince: null, nextAttemptAt: null, disabledAt: null },
        }
        await insertWebhook(db, made, stored)
        return made
      })
      return { webhook, secret }
    },
    async change(id, { url, events, isEnabled }) {
      return await store.write(async ({ db }) => {
        const before = await getWebhook(db, id)
        const checked = url === undefined ? before.url : checkedUrl(url, before.allowPrivate)
        const isElsewhere = checked !== before.url
        const changed: Webhook = {
          ...before,
          url: checked,
          events: events === undefined ? before.events : events === null ? null : checkedEvents(events),
          progress: progressFrom(before.progress, {
            isElsewhere,
            isEnabled: isEnabled ?? null,
            now: environment.now(),
          }),
        }
        await updateWebhook(db, id, changed)
        return changed
      })
    },
    async changeSecret(id, { previousValidMs = defaultOverlapMs } = {}) {
      if (!(previousValidMs >= 0 && previousValidMs <= longestOverlapMs)) {
        throw validationError('previous_valid_seconds', 'must be 0 to 604800')
      }
      const secret = newSecret()
      const stored = await seal(secrets, id, secret)
      const until = previousValidMs === 0 ? null : environment.now() + Math.ceil(previousValidMs)
      const webhook = await store.write(async ({ db }) => {
        await replaceWebhookSecret(db, stored, until)
        return await getWebhook(db, id)
      })
      return { webhook, secret }
    },
    get: (id) => store.read((db) => getWebhook(db, id)),
    async list({ owner, ...page } = {}) {
      const checked = checkPage(page)
      const { items, total } = await store.read((db) => listWebhooks(db, owner ?? null, checked))
      return { items, total, ...checked }
    },
    remove: (id) => store.write(({ db }) => deleteWebhook(db, id)),
    async deliveries(id, page = {}) {
      const checked = checkPage(page)
      const { items, total } = await store.read(async (db) => {
        await getWebhook(db, id)
        return await listDeliveries(db, id, checked)
      })
      return { items, total, ...checked }
    },
    async secrets(id) {
      const stored = await store.read((db) => webhookSecrets(db, id, environment.now()))
      return await Promise.all(stored.map((one) => open(secrets, one)))
    },
    async record(id, delivery, policy) {
      return await store.write(async ({ db, emit }) => {
        // Of one that was removed meanwhile nothing is kept.
        const before = await getWebhook(db, id)
        const attempt = delivery.cursor === null ? 1 : before.progress.failures + 1
        await insertDelivery(db, id, { ...delivery, attempt })
        const { now, random } = environment
        const progress = progressAfter(before.progress, delivery, { now: now(), random, policy })
        await setWebhookProgress(db, id, progress)
        if (before.progress.disabledAt === null && progress.disabledAt !== null) {
          emit({ type: 'webhook-disabled', accountId: null, owner: before.owner, webhookId: id })
        }
        return { ...before, progress }
      })
    },
    async skip(id, cursor) {
      await store.write(async ({ db }) => {
        const { progress } = await getWebhook(db, id)
        const next = Math.max(progress.cursor, cursor) as EventCursor
        await setWebhookProgress(db, id, { ...progress, cursor: next })
      })
    },
  }
}

/** Seals what lies in the store as it is, or by an older key. What does not open is left: deliveries say so. */
export async function sealWebhookSecrets(store: Store, secrets: Secrets | null): Promise<void> {
  if (secrets === null) return
  const all = await store.read((db) => allWebhookSecrets(db))
  for (const one of all.filter(({ sealed, secret }) => !sealed || !secrets.isCurrent(secret))) {
    const opened = await open(secrets, one).catch(() => null)
    if (opened === null) continue
    const sealed = await secrets.seal(one.id, opened)
    await store.write(({ db }) => sealWebhookAnew(db, one, sealed))
  }
}

async function seal(secrets: Secrets | null, id: WebhookId, secret: string): Promise<StoredWebhookSecret> {
  if (secrets === null) return { id, place: 'current', secret, sealed: false }
  return { id, place: 'current', secret: await secrets.seal(id, secret), sealed: true }
}

async function open(secrets: Secrets | null, { id, secret, sealed }: StoredWebhookSecret): Promise<string> {
  if (!sealed) return secret
  if (secrets === null) {
    throw new EverdraftError('SECRETS_LOCKED', 'the secret of the webhook is sealed, and no key was given to open it')
  }
  return await secrets.open(id, secret)
}

function checkedEvents(given: readonly EventType[]): readonly EventType[] {
  if (given.length === 0) throw validationError('events', 'must name at least one')
  for (const [index, type] of given.entries()) {
    if (!eventTypes.includes(type)) throw validationError(`events[${index}]`, 'is no type of event')
  }
  return eventTypes.filter((type) => given.includes(type))
}
