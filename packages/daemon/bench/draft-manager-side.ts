// The daemon as an app meets it, in a process of its own: `draft-manager-side.ts`. It says its URL over IPC.
import { once } from 'node:events'
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { account, noUploads, unreachable } from '../../sqlite/bench/unreachable.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { createDaemon } from '../src/index.ts'

export const token = 'the-token-of-this-benchmark'

/** `account`: a new one is made. `rest`: the index follows what was taken in; what is measured next does not wait for it. */
export type SideQuestion = 'account' | 'rest'
/** The URL at first; the id of the account; `rested`. */
export type SideAnswer = string

if (process.send !== undefined && process.argv[1] === import.meta.filename) await serve()

async function serve(): Promise<void> {
  await using folder = await benchFolder()
  const engine = await createEngine({
    storage: sqlite(join(folder.path, 'everdraft.db')),
    mailbox: unreachable(),
    timing: noUploads,
  })
  const daemon = await createDaemon({ engine, token, version: '0.0.0' })
  const answer = async (question: SideQuestion): Promise<SideAnswer> => {
    if (question === 'account') return (await engine.accounts.add(account)).id
    await engine.housekeep()
    return 'rested'
  }
  process.on('message', (question: SideQuestion) => void answer(question).then((said) => process.send?.(said)))
  process.send?.(await daemon.listen({ host: '127.0.0.1', port: 0 }))
  await once(process, 'disconnect')
  await daemon.close()
  await engine.close()
}
