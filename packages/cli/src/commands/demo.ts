import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createDaemon } from '@everdraft/daemon'

import { ApiError, createClient, type Client } from '../client.ts'
import type { Command } from '../command.ts'
import { announceDaemon, ensureDataFolder, ensureToken, openEngine } from '../data-folder.ts'
import { openEmbeddedMailbox } from '../demo/embedded-mailbox.ts'
import { parseMailUrl } from '../demo/mail-url.ts'
import type { DemoMailbox } from '../demo/mailbox.ts'
import { openOwnMailbox } from '../demo/own-mailbox.ts'
import { runSteps } from '../demo/steps.ts'
import { createWalk, type Walk } from '../demo/walk.ts'
import { CommandFailure, Interrupted, UsageError } from '../failure.ts'
import { oneLine, printLine } from '../output.ts'
import { listenForStop, type StopSignal } from '../stop-signal.ts'
import { version } from '../version.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'Watch a draft survive an unreachable mail server, an upload, an edit and a discard',
  details:
    'Starts a mail server and the daemon in this process, on free loopback ports and in a temporary folder that is\nremoved at the end. With --imap it runs on a mailbox of yours, and removes its own drafts from it again.',
  options: {
    once: { help: 'exit when the walk is over' },
    imap: { value: 'URL', help: 'imap://USER:PASSWORD@HOST:PORT or imaps://…, percent-encoded' },
    'allow-untrusted': { help: 'with --imap: take a certificate that this machine does not trust' },
  },
  run: async (input) => {
    const url = input.option('imap')
    const settings = url === undefined ? null : parseMailUrl(url)
    const allowUntrusted = input.isOn('allow-untrusted')
    if (allowUntrusted && settings === null) throw new UsageError('--allow-untrusted: --imap is needed with it')
    using stop = listenForStop()
    const mailbox = await (settings === null ? openEmbeddedMailbox() : openOwnMailbox({ ...settings, allowUntrusted }))
    try {
      await runWith(mailbox, { stop, isOnce: input.isOn('once') })
    } finally {
      await mailbox.close()
    }
  },
}

interface Run {
  readonly stop: StopSignal
  readonly isOnce: boolean
}

async function runWith(mailbox: DemoMailbox, { stop, isOnce }: Run): Promise<void> {
  await using temporary = await temporaryFolder()
  const folder = await ensureDataFolder(temporary.path)
  const token = await ensureToken(folder)
  await using engine = await openEngine(folder)
  const daemon = await createDaemon({ engine, token, version: version() })
  try {
    const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
    printLine(`everdraft ${version()}: a draft's life, step by step\n`)
    for (const line of mailbox.introduction) printLine(line)
    printLine(`daemon       ${url}, REST`)
    printLine(`drafts in    ${folder.database}`)
    if (process.stdout.isTTY) printLine('')
    const walk = createWalk(createClient({ url, token, signal: stop.signal }), mailbox)
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
      // What fails after a signal fails because of it.
      if (!stop.signal.aborted) throw error
      if (isOnce) throw new Interrupted()
    } finally {
      await leaveAsFound(createClient({ url, token }), mailbox, walk)
    }
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
    throw new CommandFailure(`not as claimed: the daemon left copies in your mailbox (UID ${uids}); they were removed`)
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
