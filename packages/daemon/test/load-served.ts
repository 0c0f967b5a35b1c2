import { createEngine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

import { createDaemon } from '../src/index.ts'

/** A daemon that is there to be killed: it says its URL, and serves until then. */
const [file = '', token = ''] = process.argv.slice(2)
const engine = await createEngine({
  storage: sqlite(file),
  mailbox: imap(),
  submission: smtp(),
  probe: false,
  timing: {
    uploadDelayMs: 3,
    longestUploadDelayMs: 20,
    firstBackOffMs: 5,
    longestOfflineBackOffMs: 50,
    sentCopyWaitMs: 0,
    sentCopyLookAgainMs: 3_600_000,
  },
})
const daemon = await createDaemon({ engine, token, version: '1.2.3' })
process.stdout.write(`${await daemon.listen({ host: '127.0.0.1', port: 0 })}\n`)
