import {
  WireError,
  type FolderPath,
  type MailboxSession,
  type MessageIdentity,
  type ServerSettings,
  type Uid,
} from '@everdraft/core'
import { imap } from '@everdraft/mail'

import { CommandFailure } from '../failure.ts'
import { oneLine } from '../output.ts'
import { addressOf, isLoopback } from './mail-url.ts'
import { createSha256, type Copy, type DemoMailbox } from './mailbox.ts'
import { createRelay } from './relay.ts'

/**
 * A mailbox of the user's own. Its server cannot be taken down, so the daemon goes through a relay that can; the looks
 * into the mailbox go past it, over connections of their own.
 */
export async function openOwnMailbox(
  settings: ServerSettings,
  { smtp, stop }: { readonly smtp: ServerSettings | null; readonly stop: AbortSignal },
): Promise<DemoMailbox> {
  const { host, port, security } = settings
  const foldersBefore = new Set(await withSession(settings, folderPaths, stop))
  const relay = await createRelay(settings)
  const seenFolders = new Set<FolderPath>()

  return {
    introduction: [
      `mail server  ${host}:${port}${security === 'tls' ? ', TLS' : ''} (yours; entered as ${oneLine(settings.user)})`,
      `offline      your server stays up: the daemon reaches it through a relay on 127.0.0.1:${relay.port}, closed for now`,
      ...(security === 'none' && !isLoopback(host)
        ? ['caution      imap:// sends the password unencrypted; imaps:// would not']
        : []),
      ...(smtp === null ? [] : [`sending      by ${smtp.host}:${smtp.port}: one mail, from you to you; it stays`]),
    ],
    address: addressOf(settings),
    smtp,
    // A mail that goes out for good: nobody else gets one.
    recipient: smtp === null ? 'Ann <ann@example.org>' : addressOf(settings),
    imap: { ...settings, host: '127.0.0.1', port: relay.port, security: 'none' },
    correspondence: null,
    comingUp: 'The relay to your mail server opens',
    goOnline: async () => relay.open(),
    copies: async (folder, draftId) => {
      if (folder === null) return []
      seenFolders.add(folder as FolderPath)
      const found = await withSession(settings, (session) => copiesIn(session, folder as FolderPath, [draftId]))
      return found.map(({ uid, size }) => ({ uid, size }))
    },
    sentCopies: async (messageId) =>
      withSession(settings, async (session) => {
        const found: Copy[] = []
        const folders = await session.folders()
        const forSent = folders.filter(({ path, specialUse }) => specialUse === 'sent' || /\bsent$/i.test(path))
        for (const { path } of forSent) {
          if ((await session.select(path)) === null) continue
          for (const { uid, size, ...copy } of await session.identitiesFrom(1 as Uid)) {
            if (copy.messageId === messageId && !copy.deleted) found.push({ uid, size })
          }
        }
        return found
      }),
    attachmentHashes: async (folder, uid) =>
      withSession(settings, async (session) => {
        await session.select(folder as FolderPath)
        const raw = await session.fetchRaw(uid as Uid)
        if (raw === null) return []
        const { attachments } = await imap().format.parse(raw, createSha256)
        return attachments.map(({ sha256 }) => sha256)
      }),
    removeLeftovers: async (draftIds) =>
      withSession(settings, async (session) => {
        const removed: Copy[] = []
        const folders = await session.folders()
        const newFolders = folders.map(({ path }) => path).filter((path) => !foldersBefore.has(path))
        const forDrafts = folders.filter(({ specialUse }) => specialUse === 'drafts').map(({ path }) => path)
        // Also where the walk was interrupted before it had looked anywhere.
        for (const folder of new Set([...seenFolders, ...forDrafts, ...newFolders])) {
          removed.push(...(await removeCopies(session, folder, draftIds)))
        }
        return { removed, newFolders }
      }),
    close: async () => relay.close(),
  }
}

async function withSession<Result>(
  settings: ServerSettings,
  work: (session: MailboxSession) => Promise<Result>,
  stop?: AbortSignal,
): Promise<Result> {
  const signal = AbortSignal.any([AbortSignal.timeout(120_000), ...(stop === undefined ? [] : [stop])])
  try {
    const session = await imap().connect(settings, { signal, timeoutMs: 30_000 })
    try {
      return await work(session)
    } finally {
      await session.close()
    }
  } catch (error) {
    if (error instanceof WireError) throw new CommandFailure(`your mail server: ${error.message}`)
    throw error
  }
}

async function folderPaths(session: MailboxSession): Promise<readonly FolderPath[]> {
  return (await session.folders()).map(({ path }) => path)
}

/** Messages that carry the id of one of these drafts, except those marked `\Deleted`. */
async function copiesIn(
  session: MailboxSession,
  folder: FolderPath,
  draftIds: readonly string[],
): Promise<readonly MessageIdentity[]> {
  if ((await session.select(folder)) === null) return []
  const identities = await session.identitiesFrom(1 as Uid)
  return identities.filter(
    ({ everdraftId, deleted }) => !deleted && everdraftId !== null && draftIds.includes(everdraftId),
  )
}

async function removeCopies(
  session: MailboxSession,
  folder: FolderPath,
  draftIds: readonly string[],
): Promise<readonly Copy[]> {
  const copies = await copiesIn(session, folder, draftIds)
  if (copies.length === 0) return []
  const uids = copies.map(({ uid }) => uid)
  await session.markDeleted(uids)
  // Without UIDPLUS they stay marked: a plain EXPUNGE could take mail of the user's with them.
  if (session.capabilities.uidPlus) await session.expungeUids(uids)
  return copies.map(({ uid, size }) => ({ uid, size }))
}
