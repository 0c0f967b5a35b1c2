/**
 * Attaches a stream of so many megabytes and says by how much memory grew meanwhile: in a process of its own, as memory
 * is the process's.
 */
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'

import { createFakeMailbox } from '../../core/test/fake-mailbox.ts'
import { blobFolder, sqlite } from '../src/index.ts'

const [folder = '', place = '', megabytes = ''] = process.argv.slice(2)
const megabyte = 1024 * 1024

const engine = await createEngine({
  storage: sqlite(join(folder, 'everdraft.db')),
  mailbox: createFakeMailbox().port,
  ...(place === 'folder' ? { blobs: blobFolder(join(folder, 'attachments')) } : {}),
})
const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password: 'secret' } as const
const account = await engine.accounts.add({ address: 'ann@example.org', imap })
const draft = await engine.drafts.create({ accountId: account.id, policy: 'local-only' })

let peak = 0
/**
 * One piece of memory for all that is read: what a source throws away (Node's own streams up to 64 MB, until V8 looks)
 * is not what is measured.
 */
async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(megabyte / 16)
  for (let index = 0; index < count * 16; index += 1) {
    peak = Math.max(peak, process.memoryUsage.rss())
    yield piece.fill(index)
  }
}

// What is only loaded and compiled once does not count.
await engine.drafts.attach(draft.id, { filename: 'first', content: pieces(8) })
const before = process.memoryUsage.rss()
peak = before
const { attachment } = await engine.drafts.attach(draft.id, { filename: 'film', content: pieces(Number(megabytes)) })
peak = Math.max(peak, process.memoryUsage.rss())
await engine.close()
console.log(JSON.stringify({ size: attachment.size, grownBytes: peak - before }))
