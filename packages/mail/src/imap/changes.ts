import type {
  FlagChange,
  FolderChanges,
  FolderMark,
  FolderPath,
  FolderState,
  MailboxCapabilities,
  MessageIdentity,
  Uid,
  UidRange,
} from '@everdraft/core'

import type { Command, CommandHandlers, Completion, ImapConnection } from './connection.ts'
import type { FolderNames } from './folders.ts'
import { identityItems, readIdentity } from './identity.ts'
import { mustSucceed } from './outcome.ts'
import { fetchItems, listOf, textOf, type DataResponse } from './response.ts'
import { searchAll, SearchReading } from './search.ts'
import { selectCommand, SelectReading } from './select-folder.ts'
import { readUidSet } from './syntax.ts'

export interface ChangesParts {
  readonly connection: ImapConnection
  readonly names: FolderNames
  readonly capabilities: MailboxCapabilities
  /** ENABLE QRESYNC is still to be said. */
  readonly enablesQresync: boolean
}

/** How to learn what happened: what a server can do, and whether the mark says enough for that. */
type Way =
  /** RFC 7162 §3.2.5: SELECT tells everything. */
  | { readonly kind: 'qresync'; readonly from: Uid; readonly parameter: string }
  /** All UIDs, as only they show what was expunged; the flags by CHANGEDSINCE where `since` is not null. */
  | { readonly kind: 'compare'; readonly from: Uid; readonly since: string | null }
  | { readonly kind: 'everything' }

function wayTo({ qresync, condstore }: MailboxCapabilities, mark: FolderMark | null): Way {
  if (mark === null || mark.uidNext === null) return { kind: 'everything' }
  const { uidValidity, uidNext: from, highestModseq } = mark
  if (qresync && highestModseq !== null) {
    return { kind: 'qresync', from, parameter: `QRESYNC (${uidValidity} ${highestModseq})` }
  }
  return { kind: 'compare', from, since: condstore ? highestModseq : null }
}

/** Null: there is no such folder. Everything that can be asked at once is: one round trip, where nothing surprises. */
export async function readChanges(
  parts: ChangesParts,
  path: FolderPath,
  mark: FolderMark | null,
): Promise<FolderChanges | null> {
  const { connection, names, capabilities } = parts
  const way = wayTo(capabilities, mark)
  const select = new SelectReading()
  const rows = new RowReading()
  const all = new SearchReading()
  const deleted = new SearchReading()
  const commands: Command[] = []
  const give = (command: string, handlers: CommandHandlers): number => commands.push(commandOf(command, handlers)) - 1

  if (parts.enablesQresync) give('ENABLE QRESYNC', {})
  const parameter = way.kind === 'qresync' ? way.parameter : capabilities.condstore ? 'CONDSTORE' : null
  const selected = commands.push({
    parts: selectCommand(names, path, parameter),
    // With QRESYNC the changed flags come before the SELECT has ended.
    handlers: both(select, rows),
  })
  const asked = commands.length
  if (way.kind === 'compare') {
    give(searchAll(capabilities, 'ALL'), all)
    // Two answers can only be told apart where they say whose they are.
    if (capabilities.esearch) give(searchAll(capabilities, 'DELETED'), deleted)
    if (way.since !== null) give(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${way.since})`, rows)
  }
  give(`UID FETCH ${way.kind === 'everything' ? 1 : way.from}:* ${identityItems}`, rows)

  const completions = await connection.runTogether(commands)
  const answer = completions[selected - 1] as Completion
  if (answer.status === 'BAD' && way.kind === 'qresync') {
    // It has the name of QRESYNC and not the thing.
    return readChanges({ ...parts, capabilities: { ...capabilities, qresync: false } }, path, mark)
  }
  const folder = await select.state(connection, names, path, answer)
  if (folder === null) return null
  // An empty folder has no `1:*`, and some refuse it.
  if (folder.exists > 0) for (const completion of completions.slice(asked)) mustHaveSucceeded(connection, completion)

  if (way.kind === 'everything') return everything(folder, rows)
  if (mark === null || !saysSomethingAbout(mark, folder)) return everything(folder, await readAll(connection, folder))
  const added = rows.identities(way.from)
  const changed = rows.changed(way.from)
  if (way.kind === 'qresync') return { kind: 'delta', folder, vanished: rows.vanished, changed, added }
  if (!capabilities.esearch) {
    const [completion] = await connection.runTogether([commandOf(searchAll(capabilities, 'DELETED'), deleted)])
    mustHaveSucceeded(connection, completion as Completion)
  }
  return {
    kind: 'full',
    folder,
    uids: all.uids(),
    deleted: deleted.uids(),
    changed: way.since === null ? null : changed,
    added,
  }
}

/** A server that was restored from a backup counts again from where it was (RFC 3501 §2.3.1.1 forbids it; it happens). */
function saysSomethingAbout(mark: FolderMark, folder: FolderState): boolean {
  if (mark.uidValidity !== folder.uidValidity) return false
  if (mark.uidNext !== null && folder.uidNext !== null && folder.uidNext < mark.uidNext) return false
  if (mark.highestModseq === null) return true
  return folder.highestModseq !== null && BigInt(folder.highestModseq) >= BigInt(mark.highestModseq)
}

function everything(folder: FolderState, rows: RowReading): FolderChanges {
  const added = rows.identities(1 as Uid)
  const uids = added.map(({ uid }) => uid)
  const deleted = added.filter((identity) => identity.deleted).map(({ uid }) => uid)
  return { kind: 'full', folder, uids, deleted, changed: null, added }
}

async function readAll(connection: ImapConnection, { exists }: FolderState): Promise<RowReading> {
  const rows = new RowReading()
  if (exists === 0) return rows
  const [completion] = await connection.runTogether([commandOf(`UID FETCH 1:* ${identityItems}`, rows)])
  mustHaveSucceeded(connection, completion as Completion)
  return rows
}

function commandOf(command: string, handlers: CommandHandlers): Command {
  return { parts: [command], handlers }
}

/** RFC 5530 §3: with EXPUNGEISSUED some messages went in the meantime; the others are there. */
function mustHaveSucceeded(connection: ImapConnection, completion: Completion): void {
  if (completion.code !== 'EXPUNGEISSUED') mustSucceed(connection, 'to say what is in the folder', completion)
}

function both(select: SelectReading, rows: RowReading): CommandHandlers {
  return {
    onUntaggedStatus: (response) => select.onUntaggedStatus(response),
    onCompletion: (completion) => select.onCompletion(completion),
    onData: (response) => {
      select.onData(response)
      rows.onData(response)
    },
  }
}

/** FETCH and VANISHED responses: identities where there is a header in them, else changed flags. */
class RowReading implements CommandHandlers {
  readonly vanished: UidRange[] = []
  readonly #identities = new Map<Uid, MessageIdentity>()
  readonly #flags = new Map<Uid, FlagChange>()

  onData(response: DataResponse): void {
    if (response.keyword === 'VANISHED') this.vanished.push(...readUidSet(textOf(response.attributes.at(-1)) ?? ''))
    if (response.keyword !== 'FETCH') return
    const identity = readIdentity(response)
    if (identity) this.#identities.set(identity.uid, identity)
    const row = fetchItems(response)
    const uid = textOf(row.get('UID'))
    if (uid === null || !row.has('FLAGS')) return
    const flags = listOf(row.get('FLAGS')).map((flag) => flag.toLowerCase())
    if (!identity) this.#flags.set(Number(uid) as Uid, { uid: Number(uid) as Uid, flags })
  }

  /** `n:*` always holds the last message, even where its UID is below n (RFC 3501 §6.4.8). */
  identities(from: Uid): readonly MessageIdentity[] {
    return [...this.#identities.values()].filter(({ uid }) => uid >= from).toSorted((a, b) => a.uid - b.uid)
  }

  changed(before: Uid): readonly FlagChange[] {
    return [...this.#flags.values()].filter(({ uid }) => uid < before).toSorted((a, b) => a.uid - b.uid)
  }
}
