import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type EngineEvent, type UploadMethod } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { createProxy, type RunningServer } from '@everdraft/testkit'

// The store is no dependency of this package: it is taken through its own door.
import { sqlite } from '../../sqlite/src/index.ts'
import { recordLine, type SentCommand } from './recorded-line.ts'

/** What one upload sent, from client to server. */
export interface Upload {
  /** As the proxy counted them: everything, whichever command it belongs to. */
  readonly bytes: number
  readonly commands: readonly SentCommand[]
  readonly method: UploadMethod
}

/** One engine with one draft, on a line that is counted. */
export interface EngineSide extends AsyncDisposable {
  /** From the connecting to the stored draft. */
  firstSave(text: string, attachment: Uint8Array): Promise<Upload>
  /** From the save to the removal of the copy before it. */
  edit(text: string): Promise<Upload>
}

const uploadMs = 120_000

/** With `compress` the line is as it is by default, and what is on it can only be counted. */
export async function engineSide(
  server: RunningServer,
  { compress }: { readonly compress: boolean },
): Promise<EngineSide> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-bench-'))
  const user = server.user()
  const proxy = await createProxy({ target: { host: server.host, port: server.imapPort } })
  const line = compress ? null : await recordLine(proxy)
  const { host, port } = line ?? proxy
  const hour = 3_600_000
  const engine = await createEngine({
    storage: sqlite(join(folder, 'everdraft.db')),
    mailbox: imap(),
    watch: false,
    probe: false,
    // An upload starts when it is asked for, and no round over the folder falls between two edits.
    timing: { uploadDelayMs: hour, longestUploadDelayMs: hour, pollMs: hour },
  })
  /** Of the command that had begun when it was last looked. */
  let begun = 0
  let mark = proxy.mark()

  async function upload(change: () => Promise<void>, last: EngineEvent['type']): Promise<Upload> {
    const ended = Promise.withResolvers<void>()
    let method: UploadMethod | null = null
    const unsubscribe = engine.subscribe({}, (event) => {
      if (event.type === 'upload-finished') method = event.method
      if (event.type === 'task-failed' || event.type === 'task-parked' || event.type === 'task-retrying') {
        ended.reject(new Error(`${event.kind}: ${event.error.message}`))
      }
      if (event.type === last) ended.resolve()
    })
    const timer = setTimeout(() => ended.reject(new Error(`no ${last} after ${uploadMs} ms`)), uploadMs)
    try {
      await change()
      await ended.promise
    } finally {
      clearTimeout(timer)
      unsubscribe()
    }
    const { toServer } = proxy.since(mark)
    mark = proxy.mark()
    const commands = line?.take() ?? []
    const nowBegun = line?.begunBytes ?? 0
    const read = commands.reduce((sum, { bytes }) => sum + bytes, 0) + nowBegun - begun
    begun = nowBegun
    if (line !== null && read !== toServer)
      throw new Error(`the proxy counted ${toServer} bytes, the commands have ${read}`)
    if (method === null) throw new Error('nothing was uploaded')
    return { bytes: toServer, commands, method }
  }

  const { id: accountId } = await engine.accounts.add({
    address: user.address,
    imap: { host, port, security: 'none', user: user.user, password: user.password, compress },
  })
  const { id } = await engine.drafts.create({ accountId, to: 'Bob Example <bob@example.com>', subject: 'A letter' })

  return {
    firstSave: (text, attachment) =>
      upload(async () => {
        await engine.drafts.save(id, { text })
        await engine.drafts.attach(id, { filename: 'scan.bin', content: attachment })
        await engine.drafts.flush(id)
      }, 'upload-finished'),
    edit: (text) =>
      upload(async () => {
        await engine.drafts.save(id, { text })
        await engine.drafts.flush(id)
      }, 'copy-removed'),
    async [Symbol.asyncDispose]() {
      await engine.close()
      await line?.[Symbol.asyncDispose]()
      await proxy.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
