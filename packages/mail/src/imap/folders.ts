import type { CommandOutcome, Folder, FolderPath, SpecialUse } from '@everdraft/core'
import type { ImapAttribute } from 'imapflow'

import type { ImapConnection } from './connection.ts'
import { decodeFolderName, encodeFolderName } from './folder-name.ts'
import { mustSucceed, outcomeOf } from './outcome.ts'
import { listOf, textOf, type DataResponse } from './response.ts'
import { astring } from './syntax.ts'

/** By attribute in lower case: some servers write `\drafts` (RFC 6154 §2 leaves the case open). */
const uses: ReadonlyMap<string, SpecialUse> = new Map([
  ['\\drafts', 'drafts'],
  ['\\sent', 'sent'],
  ['\\trash', 'trash'],
  ['\\junk', 'junk'],
  ['\\archive', 'archive'],
  ['\\all', 'all'],
  ['\\flagged', 'flagged'],
])

const attributes: Readonly<Record<Exclude<SpecialUse, 'inbox'>, string>> = {
  drafts: '\\Drafts',
  sent: '\\Sent',
  trash: '\\Trash',
  junk: '\\Junk',
  archive: '\\Archive',
  all: '\\All',
  flagged: '\\Flagged',
}

interface FolderAbilities {
  /** RFC 5258 with RFC 6154: the attributes come only when they are asked for. */
  readonly listReturnsSpecialUse: boolean
  readonly createSpecialUse: boolean
}

/** The names of folders, on the wire and for people. */
export class FolderNames {
  // Names that a server holds in another encoding than it should still have to be sent back as they came.
  readonly #asGiven = new Map<FolderPath, string>()

  toWire(path: FolderPath): string {
    return this.#asGiven.get(path) ?? encodeFolderName(path)
  }

  fromWire(wireName: string): FolderPath {
    const path = (wireName.toUpperCase() === 'INBOX' ? 'INBOX' : decodeFolderName(wireName)) as FolderPath
    if (path !== 'INBOX' && encodeFolderName(path) !== wireName) this.#asGiven.set(path, wireName)
    return path
  }
}

export async function listFolders(
  connection: ImapConnection,
  names: FolderNames,
  abilities: FolderAbilities,
  pattern = '*',
): Promise<readonly Folder[]> {
  const folders = new Map<FolderPath, Folder>()
  const options = abilities.listReturnsSpecialUse ? ' RETURN (SPECIAL-USE)' : ''
  const completion = await connection.run(['LIST "" ', astring(pattern), options], {
    onData: (response) => {
      const folder = response.keyword === 'LIST' ? readFolder(response, names) : null
      if (folder) folders.set(folder.path, folder)
    },
  })
  mustSucceed(connection, 'LIST', completion)
  return [...folders.values()]
}

/** Whether there is a folder of exactly this name. */
export async function folderExists(connection: ImapConnection, names: FolderNames, path: FolderPath): Promise<boolean> {
  const abilities = { listReturnsSpecialUse: false, createSpecialUse: false }
  const found = await listFolders(connection, names, abilities, names.toWire(path))
  return found.some((folder) => folder.path === path)
}

export async function createFolder(
  connection: ImapConnection,
  wireName: string,
  specialUse: SpecialUse,
  abilities: FolderAbilities,
): Promise<CommandOutcome> {
  const use = specialUse === 'inbox' || !abilities.createSpecialUse ? '' : ` (USE (${attributes[specialUse]}))`
  let created = outcomeOf(await connection.run(['CREATE ', astring(wireName), use]))
  if (created.kind === 'refused' && use !== '' && created.responseCode === 'USEATTR') {
    // RFC 6154 §3: the use cannot be given here; the folder still can.
    created = outcomeOf(await connection.run(['CREATE ', astring(wireName)]))
  }
  if (created.kind === 'refused') return created
  // A folder that is not subscribed is one that many mail programs do not show. It exists in any case.
  await connection.run(['SUBSCRIBE ', astring(wireName)])
  return created
}

function readFolder(response: DataResponse, names: FolderNames): Folder | null {
  const [flagList, delimiter, name] = response.attributes as readonly (ImapAttribute | undefined)[]
  const wireName = textOf(name)
  if (wireName === null) return null
  const flags = listOf(flagList).map((flag) => flag.toLowerCase())
  // RFC 5258 §3: it is listed for its children only.
  if (flags.includes('\\nonexistent')) return null
  const path = names.fromWire(wireName)
  const use = flags.map((flag) => uses.get(flag)).find((found) => found !== undefined)
  return {
    path,
    delimiter: textOf(delimiter),
    specialUse: path === 'INBOX' ? 'inbox' : (use ?? null),
    selectable: !flags.includes('\\noselect'),
  }
}
