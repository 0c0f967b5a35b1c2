import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ServerSettings } from '@everdraft/core'
import { createDaemon } from '@everdraft/daemon'

import { ApiError, createClient, type Client } from '../client.ts'
import { announceDaemon, ensureDataFolder, ensureToken } from '../data-folder.ts'
import { CommandFailure, Interrupted } from '../failure.ts'
import { openEngine } from '../open-engine.ts'
import { oneLine, printLine } from '../output.ts'
import { listenForStop, type StopSignal } from '../stop-signal.ts'
import { version } from '../version.ts'
import { demoResponders } from './answering.ts'
import { ClaimFailure } from './claim.ts'
import { openEmbeddedMailbox } from './embedded-mailbox.ts'
import type { DemoMailbox } from './mailbox.ts'
import { openOwnMailbox } from './own-mailbox.ts'
import { runSteps } from './steps.ts'
import { createWalk, type Walk } from './walk.ts'

interface DemoOptions {
  /** Servers of the user's own; null: the embedded one. */
  readonly own: { readonly imap: ServerSettings; readonly smtp: ServerSettings | null } | null
  readonly isOnce: boolean
}

export async function runDemo({ own, isOnce }: DemoOptions): Promise<void> {
  using stop = listenForStop()
  try {
    const mailbox = await (own === null
      ? openEmbeddedMailbox()
      : openOwnMailbox(own.imap, { smtp: own.smtp, stop: stop.signal }))
    try {
      await runWith(mailbox, { stop, isOnce })
    } finally {
      await mailbox.close()
    }
  } catch (error) {
    // What fails after a signal fails because of it, except what was found out about the mailbox that is left behind.
    if (!stop.signal.aborted || error instanceof ClaimFailure) throw error
    if (isOnce) throw new Interrupted()
  }
}

interface Run {
  readonly stop: StopSignal
  readonly isOnce: boolean
}

async function runWith(mailbox: DemoMailbox, { stop, isOnce }: Run): Promise<void> {
  await using temporary = await temporaryFolder()
  const folder = await ensureDataFolder(temporary.path)
  const token = await ensureToken(folder)
  await using engine = await openEngine(folder, { responders: demoResponders })
  if (engine === null) throw new CommandFailure(`${folder.path} is in use`)
  const daemon = await createDaemon({ engine, token, version: version() })
  try {
    const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
    printLine(`everdraft ${version()}: a draft's life, step by step\n`)
    for (const line of mailbox.introduction) printLine(line)
    printLine(`daemon       ${url}, REST`)
    printLine(`drafts in    ${folder.database}`)
    if (process.stdout.isTTY) printLine('')
    const walk = createWalk(createClient({ url, token, signal: stop.signal }), mailbox)
    // Not the walk's client: what has to be cleaned up after a signal is cleaned up all the same.
    const cleanUp = (): Promise<void> => leaveAsFound(createClient({ url, token }), mailbox, walk)
    try {
      await runSteps(walk.steps)
      printLine(`\n${walk.summary()}\n`)
      if (!isOnce) {
        await announceDaemon(folder, url)
        printLine(`The daemon stays up at ${url}; its token is in ${folder.token}`)
        printLine(`Look around: everdraft draft list --data ${folder.path}`)
        printLine('Ctrl-C ends it and removes the temporary folder.')
        await stop.stopped()
      }
    } catch (error) {
      await cleanUp().catch((another: unknown) => console.error(`everdraft: ${(another as Error).message}`))
      throw error
    }
    await cleanUp()
  } finally {
    await daemon.close()
  }
}

/** The daemon discards the demo's drafts, and what it should leave on the server is removed past it, and said. */
async function leaveAsFound(client: Client, mailbox: DemoMailbox, walk: Walk): Promise<void> {
  const { account, draftIds } = walk.made()
  if (mailbox.removeLeftovers === undefined || account === null) return
  for (const id of draftIds) await discard(client, `/accounts/${account}/drafts/${id}`)
  await client.request('POST', `/accounts/${account}/sync`, { headers: { prefer: 'wait=60' } })
  const { removed, newFolders } = await mailbox.removeLeftovers(draftIds)
  for (const path of newFolders) printLine(`the folder ${oneLine(path)} was made for drafts; it stays, and is empty`)
  if (removed.length > 0) {
    const uids = removed.map(({ uid }) => uid).join(', ')
    throw new ClaimFailure(`not as claimed: the daemon left copies in your mailbox (UID ${uids}); they were removed`)
  }
  printLine('your mailbox has no copy of the demo’s drafts any more')
}

async function discard(client: Client, path: string): Promise<void> {
  try {
    await client.request('DELETE', path)
  } catch (error) {
    // Discarded already, by the walk itself.
    if (!(error instanceof ApiError) || error.code !== 'NOT_A_DRAFT') throw error
  }
}

interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
}

async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'everdraft-demo-'))
  const remove = (): void => rmSync(path, { recursive: true, force: true })
  // Also when a second Ctrl-C ends the process at once.
  process.once('exit', remove)
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      remove()
      process.off('exit', remove)
    },
  }
}
