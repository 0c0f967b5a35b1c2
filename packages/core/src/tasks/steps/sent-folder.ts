import type { FolderPath } from '../../ids.ts'
import { type FolderState, type MailboxSession, WireError } from '../../wire/mailbox.ts'
import { findSpecialFolder } from './special-folders.ts'

/**
 * The Sent folder, selected; made where there is none.
 * @throws {WireError} REFUSED where it cannot be made, with the server's words
 */
export async function selectSent(session: MailboxSession): Promise<FolderState> {
  const path = findSpecialFolder(await session.folders(), 'sent') ?? (await createSent(session))
  const folder = await session.select(path)
  if (folder === null) throw new WireError('REFUSED', 'the Sent folder cannot be opened')
  return folder
}

async function createSent(session: MailboxSession): Promise<FolderPath> {
  const folders = await session.folders()
  const delimiter = folders.find((folder) => folder.delimiter !== null)?.delimiter ?? '/'
  let refusal = ''
  // Servers with a personal namespace below INBOX refuse folders beside it (RFC 2342).
  for (const path of ['Sent', `INBOX${delimiter}Sent`] as FolderPath[]) {
    const outcome = await session.createFolder(path, 'sent')
    if (outcome.kind === 'ok' || outcome.responseCode === 'ALREADYEXISTS') return path
    refusal = outcome.text
  }
  throw new WireError('REFUSED', `there is no Sent folder, and the server does not let us make one: ${refusal}`)
}
