import { defaultOwner } from '../access.ts'
import { checkHeaderText } from '../draft/address.ts'
import { EverdraftError, validationError } from '../errors.ts'
import { type AccountId, uuidv7 } from '../ids.ts'
import { deleteAccount, getAccount, insertAccount, listAccounts, updateAccount } from '../storage/accounts.ts'
import { sweepBlobs } from '../storage/blobs.ts'
import { countOnlyHere, countUnsent } from '../storage/drafts.ts'
import { replaceSecrets } from '../storage/secrets.ts'
import { syncAfter } from '../tasks/task.ts'
import { type LoginInput, withoutSecrets } from '../wire/login.ts'
import type { AccountInput, Accounts } from './api.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'
import { verifyAccount } from './verify-account.ts'

export function createAccounts(parts: EngineParts): Accounts {
  const { store, queue, sessions, submissions, logIns, watcher, environment } = parts
  return {
    async add(input) {
      checkAccount(input)
      const now = environment.now()
      const id = uuidv7(now, environment.random) as AccountId
      const imap = withoutSecrets(input.imap)
      const smtp = input.smtp === undefined ? null : withoutSecrets(input.smtp)
      const account = {
        id,
        owner: input.owner ?? defaultOwner,
        address: input.address.trim(),
        name: input.name ?? '',
        imap: imap.login,
        smtp: smtp?.login ?? null,
        createdAt: now,
      }
      const secrets = [
        ...(await logIns.seal(id, 'imap', imap.secrets)),
        ...(await logIns.seal(id, 'smtp', smtp?.secrets ?? {})),
      ]
      await store.write(async (write) => {
        await insertAccount(write.db, account, secrets)
        await queue.enqueue(write, [syncAfter(id, 0)])
        write.emit({ type: 'account-added', accountId: id })
      })
      queue.wake()
      return { ...account, lastError: null }
    },
    async get(id) {
      return await store.read((db) => getAccount(db, id))
    },
    async list({ owner, ...page } = {}) {
      const checked = checkPage(page)
      const { items, total } = await store.read((db) => listAccounts(db, owner ?? null, checked))
      return { items, total, ...checked }
    },
    async change(id, changes) {
      const { name, imap, smtp } = changes
      if (name !== undefined) checkHeaderText(name, 'name')
      if (imap !== undefined) checkServer('imap', imap)
      if (smtp !== undefined && smtp !== null) checkServer('smtp', smtp)
      const imapParts = imap === undefined ? null : withoutSecrets(imap)
      const smtpParts = smtp === undefined || smtp === null ? null : withoutSecrets(smtp)
      const imapSecrets = await logIns.seal(id, 'imap', imapParts?.secrets ?? {})
      const smtpSecrets = await logIns.seal(id, 'smtp', smtpParts?.secrets ?? {})
      const changed = await store.write(async (write) => {
        await getAccount(write.db, id)
        await updateAccount(write.db, id, {
          ...(name === undefined ? {} : { name }),
          ...(imapParts === null ? {} : { imap: imapParts.login }),
          ...(smtp === undefined ? {} : { smtp: smtpParts?.login ?? null }),
        })
        if (imap !== undefined) await replaceSecrets(write.db, id, 'imap', imapSecrets)
        if (smtp !== undefined) await replaceSecrets(write.db, id, 'smtp', smtpSecrets)
        if (imap !== undefined) await queue.enqueue(write, [syncAfter(id, 0)])
        write.emit({ type: 'account-changed', accountId: id })
        return await getAccount(write.db, id)
      })
      if (imap !== undefined) {
        watcher.drop(id)
        await sessions.drop(id)
      }
      if (smtp !== undefined) submissions.renew(id)
      queue.wake()
      return changed
    },
    verify: (id) => verifyAccount(parts, id),
    async remove(id, options = {}) {
      const { owner } = await store.read((db) => getAccount(db, id))
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
        emit({ type: 'account-removed', accountId: id, owner })
      })
      watcher.drop(id)
      await sessions.drop(id)
      queue.wake()
      await sweepBlobs(store)
    },
  }
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
    if (settings !== undefined) checkServer(path, settings)
  }
}

function checkServer(path: string, settings: LoginInput): void {
  if (settings.host.trim() === '') throw validationError(`${path}.host`, 'must not be empty')
  if (!Number.isInteger(settings.port) || settings.port < 1 || settings.port > 65_535) {
    throw validationError(`${path}.port`, 'must be a port, 1 to 65535')
  }
  checkLogin(path, settings)
}

function checkLogin(path: string, settings: LoginInput): void {
  const { host, user, proxy } = settings
  const secrets = 'password' in settings ? [settings.password] : Object.values(settings.auth.refresh ?? {})
  if (/[\r\n\0]/.test([host, user, proxy ?? '', ...secrets].join(''))) {
    throw validationError(path, 'must not contain CR, LF or NUL')
  }
  if (proxy !== undefined && !/^(socks5|http):\/\/[^\s/]+\/?$/i.test(proxy)) {
    throw validationError(`${path}.proxy`, 'must be socks5://host:port or http://host:port')
  }
  if ('password' in settings || settings.auth.refresh === undefined) return
  // A refresh token is as good as a password: it crosses no network in the clear.
  const { tokenEndpoint } = settings.auth.refresh
  if (!/^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/i.test(tokenEndpoint)) {
    throw validationError(`${path}.auth.tokenEndpoint`, 'must be an https: URL')
  }
}
