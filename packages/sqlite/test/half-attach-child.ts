/**
 * Attaches a file, says how long the log is when that is acknowledged, begins another and says so in the middle of it: then
 * it waits to be killed.
 */
import { statSync } from 'node:fs'

import { createEngine } from '@everdraft/core'

import { createFakeMailbox } from '../../core/test/fake-mailbox.ts'
import { sqlite } from '../src/index.ts'

const [file = '', bytes = '', place = ''] = process.argv.slice(2)

const engine = await createEngine({
  storage: sqlite(file, { attachments: place === 'inside' ? 'inside' : 'beside' }),
  mailbox: createFakeMailbox().port,
})
const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password: 'secret' } as const
const account = await engine.accounts.add({ address: 'ann@example.org', imap })
const { id } = await engine.drafts.create({ accountId: account.id, policy: 'local-only' })
// What a start sets off is over, and nothing but this writes.
await engine.housekeep()
await engine.drafts.attach(id, { filename: 'whole', content: new Uint8Array(Number(bytes)).fill(1) })
console.log(JSON.stringify({ id, logBytes: statSync(`${file}-wal`).size }))

async function* half(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(Number(bytes)).fill(2)
  console.log('in the middle')
  // Alive until it is killed.
  setInterval(() => {}, 60_000)
  await new Promise(() => {})
}
await engine.drafts.attach(id, { filename: 'half', content: half() })
