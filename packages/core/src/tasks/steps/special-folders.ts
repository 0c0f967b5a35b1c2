import type { FolderPath } from '../../ids.ts'
import { type Folder, type MailboxSession, WireError } from '../../wire/mailbox.ts'

/** Names that mail programs give to these folders where a server has no SPECIAL-USE (RFC 6154). */
const usualNames = {
  drafts: [
    'drafts',
    'draft',
    'entwürfe',
    'brouillons',
    'borradores',
    'bozze',
    'concepten',
    'utkast',
    'черновики',
    '下書き',
    '草稿',
  ],
  trash: ['trash', 'deleted', 'deleted items', 'deleted messages', 'papierkorb', 'corbeille', 'papelera', 'cestino'],
  sent: [
    'sent',
    'sent items',
    'sent messages',
    'sent mail',
    'gesendet',
    'gesendete elemente',
    'envoyés',
    'enviados',
    'posta inviata',
  ],
} as const

/** The folder by attribute, else by a usual name, the shortest path first; null where there is none. */
export function findSpecialFolder(folders: readonly Folder[], use: keyof typeof usualNames): FolderPath | null {
  // A folder that holds all mail shows every draft once more: it never supplies drafts.
  const candidates = folders.filter((folder) => folder.selectable && folder.specialUse !== 'all')
  const byAttribute = candidates.find((folder) => folder.specialUse === use)
  if (byAttribute) return byAttribute.path
  const names: readonly string[] = usualNames[use]
  const byName = candidates
    .filter((folder) => folder.specialUse === null && names.includes(lastName(folder).toLowerCase()))
    .toSorted((a, b) => a.path.length - b.path.length)
  return byName[0]?.path ?? null
}

function lastName(folder: Folder): string {
  return folder.delimiter === null ? folder.path : (folder.path.split(folder.delimiter).at(-1) ?? folder.path)
}

// LIST once per connection: an upload of a few words should not cost more in looking for its folder.
const draftsFolders = new WeakMap<MailboxSession, FolderPath>()

/** The Drafts folder; null where there is none. */
export async function draftsFolder(session: MailboxSession): Promise<FolderPath | null> {
  const known = draftsFolders.get(session)
  if (known !== undefined) return known
  const found = findSpecialFolder(await session.folders(), 'drafts')
  if (found !== null) draftsFolders.set(session, found)
  return found
}

/** Where something can happen that a draft has to do with. */
export async function foldersToWatch(session: MailboxSession): Promise<readonly FolderPath[]> {
  const folders = await session.folders()
  return (['drafts', 'sent'] as const).flatMap((use) => findSpecialFolder(folders, use) ?? [])
}

/** Where mail comes in that may be answered, and where it shows what became of the answers. */
export async function inboxAndSent(session: MailboxSession): Promise<readonly FolderPath[]> {
  const sent = findSpecialFolder(await session.folders(), 'sent')
  // RFC 3501 §5.1: by that name everywhere.
  return ['INBOX' as FolderPath, ...(sent === null ? [] : [sent])]
}

/** The folder that was found is there no more. */
export function forgetDraftsFolder(session: MailboxSession): void {
  draftsFolders.delete(session)
}

/** What a Drafts folder that we make is called, where the server lets us. */
export const newDraftsFolder: FolderPath = 'Drafts' as FolderPath

/**
 * The Drafts folder; made where there is none.
 * @throws {WireError} REFUSED where it cannot be made, with the server's words
 */
export async function ensureDraftsFolder(session: MailboxSession): Promise<FolderPath> {
  const found = await draftsFolder(session)
  if (found !== null) return found
  const folders = await session.folders()
  const delimiter = folders.find((folder) => folder.delimiter !== null)?.delimiter ?? '/'
  let refusal = ''
  // Servers with a personal namespace below INBOX refuse folders beside it (RFC 2342).
  for (const path of [newDraftsFolder, `INBOX${delimiter}Drafts` as FolderPath]) {
    const outcome = await session.createFolder(path, 'drafts')
    if (outcome.kind === 'ok' || outcome.responseCode === 'ALREADYEXISTS') return path
    refusal = outcome.text
  }
  throw new WireError('REFUSED', `there is no Drafts folder, and the server does not let us make one: ${refusal}`)
}
