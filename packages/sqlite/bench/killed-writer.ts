// killed-writer.ts FILE: makes a draft, says its id when it is durable, and goes on saving until it is killed.
import { createEngine } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { account, noUploads, unreachable } from './unreachable.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new TypeError('which file?')
const engine = await createEngine({ storage: sqlite(file), mailbox: unreachable(), timing: noUploads })
const { id: accountId } = await engine.accounts.add(account)
const { id } = await engine.drafts.create({ accountId, subject: 'A letter', text: 'begun' })
for (let version = 2; ; version += 1) {
  await engine.drafts.save(id, { text: `version ${version}` })
  if (version === 20) process.stdout.write(`${id}\n`)
}
