import { randomBytes } from 'node:crypto'

import { type AccountId, createEngine, type Engine, type Umid } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

/**
 * A process of its own, so that its memory is that of an engine alone. `attach` writes a draft with a file of so many bytes;
 * `upload` brings it to the server. Says on standard output what it did, as JSON.
 */
const [file = '', account = '', deed = '', size = '0', draftId = ''] = process.argv.slice(2)
const accountId = account as AccountId

const opened = await createEngine({
  storage: sqlite(file),
  mailbox: imap(),
  watch: false,
  timing: { uploadDelayMs: 3_600_000, longestUploadDelayMs: 3_600_000, pollMs: 3_600_000 },
})
const said = deed === 'attach' ? await attach(opened, Number(size)) : await upload(opened, draftId as Umid)
process.stdout.write(JSON.stringify(said))
await opened.close()

async function attach({ drafts }: Engine, bytes: number): Promise<unknown> {
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; left -= 65_536) yield randomBytes(Math.min(left, 65_536))
  }
  const { id } = await drafts.create({ accountId, to: 'bob@example.com', subject: 'Large', text: 'with a file\n' })
  const { draft } = await drafts.attach(id, { filename: 'large.bin', content: content() })
  return { id, sha256: draft.attachments[0]?.sha256 }
}

async function upload(engine: Engine, id: Umid): Promise<unknown> {
  // A smaller one first: what connecting, compiling and encoding need once is not what the size costs.
  const small = await engine.drafts.create({ accountId, to: 'bob@example.com', text: 'small\n' })
  await engine.drafts.attach(small.id, { filename: 'small.bin', content: randomBytes(1_000_000) })
  await uploaded(engine, small.id)
  const before = process.memoryUsage.rss()
  let peak = before
  const watching = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 2)
  await uploaded(engine, id)
  clearInterval(watching)
  return { extraBytes: peak - before }
}

async function uploaded(engine: Engine, id: Umid): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const off = engine.subscribe({ accountId }, (event) => {
    if (event.type === 'upload-finished' && event.draftId === id) resolve()
    else if (event.type === 'task-parked' || event.type === 'task-retrying') reject(new Error(JSON.stringify(event)))
  })
  await engine.drafts.flush(id)
  await promise
  off()
}
