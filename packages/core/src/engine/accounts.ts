import { checkHeaderText } from '../draft/address.ts'
import { EverdraftError, validationError } from '../errors.ts'
import { type AccountId, uuidv7 } from '../ids.ts'
import { deleteAccount, getAccount, insertAccount, listAccounts } from '../storage/accounts.ts'
import { sweepBlobs } from '../storage/blobs.ts'
import { countOnlyHere, countUnsent } from '../storage/drafts.ts'
import { draftsFolder, findSpecialFolder } from '../tasks/steps/special-folders.ts'
import { syncAfter } from '../tasks/task.ts'
import type { ServerSettings } from '../wire/mailbox.ts'
import type { AccountInput, AccountReport, Accounts } from './api.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'

export function createAccounts(parts: EngineParts): Accounts {
  const { store, queue, sessions, watcher, environment } = parts
  return {
    async add(input) {
      checkAccount(input)
      const now = environment.now()
      const id = uuidv7(now, environment.random) as AccountId
      const account = {
        id,
        address: input.address.trim(),
        name: input.name ?? '',
        imap: withoutPassword(input.imap),
        smtp: input.smtp === undefined ? null : withoutPassword(input.smtp),
        createdAt: now,
      }
      await store.write(async (write) => {
        const passwords = { imap: input.imap.password, smtp: input.smtp?.password ?? null }
        await insertAccount(write.db, account, passwords)
        await queue.enqueue(write, [syncAfter(id, 0)])
        write.emit({ type: 'account-added', accountId: id })
      })
      queue.wake()
      return { ...account, lastError: null }
    },
    async get(id) {
      return await store.read((db) => getAccount(db, id))
    },
    async list(page = {}) {
      const checked = checkPage(page)
      const { items, total } = await store.read((db) => listAccounts(db, checked))
      return { items, total, ...checked }
    },
    async verify(id): Promise<AccountReport> {
      await store.read((db) => getAccount(db, id))
      sessions.allow(id)
      const session = await sessions.get(id)
      try {
        const { capabilities } = session
        return {
          capabilities,
          draftsFolder: await draftsFolder(session),
          sentFolder: findSpecialFolder(await session.folders(), 'sent'),
          uploadMethod: capabilities.catenate ? 'append-catenate' : capabilities.replace ? 'replace' : 'append',
        }
      } finally {
        sessions.release(id)
      }
    },
    async remove(id, options = {}) {
      await store.read((db) => getAccount(db, id))
      if (options.unsent === 'discard') await parts.discardAll(id)
      await store.write(async ({ db, emit }) => {
        // In one transaction with the deleting: a draft that is made in between is not lost in silence.
        const unsent = await countUnsent(db, id)
        if (unsent > 0 && options.unsent === undefined) {
          throw new EverdraftError(
            'UNSENT_DRAFTS',
            `${unsent} drafts of the account are not sent: keep or discard them?`,
          )
        }
        // What is on no server would be lost with the account.
        const onlyHere = await countOnlyHere(db, id)
        if (onlyHere > 0) {
          throw new EverdraftError(
            'UNSENT_DRAFTS',
            `${onlyHere} drafts of the account are not on its server as they are here: sync first, or discard them`,
          )
        }
        await deleteAccount(db, id)
        emit({ type: 'account-removed', accountId: id })
      })
      watcher.drop(id)
      await sessions.drop(id)
      queue.wake()
      await sweepBlobs(store)
    },
  }
}

function withoutPassword({ password: _password, ...settings }: ServerSettings): Omit<ServerSettings, 'password'> {
  return settings
}

function checkAccount(input: AccountInput): void {
  checkHeaderText(input.address, 'address')
  // It becomes the sender's name in the From of every draft.
  checkHeaderText(input.name ?? '', 'name')
  if (!/^[^\s@<>]+@[^\s@<>]+$/.test(input.address.trim())) {
    throw validationError('address', 'must be an e-mail address, such as ann@example.com')
  }
  for (const [path, settings] of [
    ['imap', input.imap],
    ['smtp', input.smtp],
  ] as const) {
    if (settings === undefined) continue
    if (settings.host.trim() === '') throw validationError(`${path}.host`, 'must not be empty')
    if (!Number.isInteger(settings.port) || settings.port < 1 || settings.port > 65_535) {
      throw validationError(`${path}.port`, 'must be a port, 1 to 65535')
    }
    if (/[\r\n\0]/.test(settings.host + settings.user + settings.password)) {
      throw validationError(path, 'must not contain CR, LF or NUL')
    }
  }
}
