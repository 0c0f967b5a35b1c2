import { WireError, type FolderPath, type FolderState, type Uid, type UidValidity } from '@everdraft/core'

import type { CommandHandlers, CommandPart, Completion, ImapConnection } from './connection.ts'
import { folderExists, type FolderNames } from './folders.ts'
import { mustSucceed } from './outcome.ts'
import type { DataResponse, StatusResponse } from './response.ts'
import { astring } from './syntax.ts'

/** What a SELECT is answered with (RFC 3501 §6.3.1), and what comes while it runs. */
export class SelectReading implements CommandHandlers {
  readonly #codes = new Map<string, string>()
  #exists = 0

  onUntaggedStatus({ code, codeArgument }: Pick<StatusResponse, 'code' | 'codeArgument'>): void {
    // RFC 7162 §3.2.11: what was said until then was about the folder before.
    if (code === 'CLOSED') this.#codes.clear()
    else if (code !== null) this.#codes.set(code, codeArgument)
  }

  onData({ keyword, number }: DataResponse): void {
    if (keyword === 'EXISTS') this.#exists = number ?? 0
  }

  onCompletion(completion: Completion): void {
    this.onUntaggedStatus(completion)
  }

  /**
   * Null: there is no such folder.
   * @throws {WireError} REFUSED
   */
  async state(
    connection: ImapConnection,
    names: FolderNames,
    path: FolderPath,
    completion: Completion,
  ): Promise<FolderState | null> {
    if (completion.status === 'NO') {
      // Servers refuse in many words, so the list decides whether there is such a folder.
      if (completion.code === 'NONEXISTENT' || !(await folderExists(connection, names, path))) return null
    }
    mustSucceed(connection, 'SELECT', completion)
    const uidValidity = this.#numberOf('UIDVALIDITY')
    if (uidValidity === null) {
      throw new WireError(
        'REFUSED',
        `${connection.peer} gives the folder no UIDVALIDITY, so its messages have no lasting names`,
      )
    }
    return {
      path,
      uidValidity: uidValidity as UidValidity,
      uidNext: this.#numberOf('UIDNEXT') as Uid | null,
      exists: this.#exists,
      // RFC 7162 §3.1.2.1: a folder without modification sequences says NOMODSEQ.
      highestModseq: this.#numberOf('HIGHESTMODSEQ') === null ? null : (this.#codes.get('HIGHESTMODSEQ') ?? null),
    }
  }

  #numberOf(code: string): number | null {
    const number = Number(this.#codes.get(code) ?? 0)
    return number > 0 ? number : null
  }
}

/** A second SELECT of the same folder opens it anew (RFC 3501 §6.3.1), and never expunges, as CLOSE would. */
export function selectCommand(
  names: FolderNames,
  path: FolderPath,
  parameter: string | null,
  verb: 'SELECT' | 'EXAMINE' = 'SELECT',
): readonly CommandPart[] {
  return [`${verb} `, astring(names.toWire(path)), parameter === null ? '' : ` (${parameter})`]
}
