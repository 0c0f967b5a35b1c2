// Saves more and more into the store at FILE until that is refused, and says how far it came: `draft-manager-in-little-room.ts FILE`.
import { randomBytes, randomUUID } from 'node:crypto'

import { createEngine, type DraftManagerAnswer } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

export interface SavedWithin {
  readonly accountId: string
  readonly draftId: string
  /** The last version that was acknowledged. */
  readonly acknowledged: number
  readonly refused: DraftManagerAnswer
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(JSON.stringify(await saveUntilRefused(process.argv[2])))

async function saveUntilRefused(file = ''): Promise<SavedWithin> {
  const engine = await createEngine({
    storage: sqlite(file),
    mailbox: imap(),
    submission: smtp(),
    connectivity: { isOnline: () => false, subscribe: () => () => {} },
    watch: false,
  })
  const server = { host: '127.0.0.1', port: 1, security: 'none', user: 'ann', password: 'secret' } as const
  const { id: accountId } = await engine.accounts.add({ address: 'ann@example.org', imap: server, smtp: server })
  const draftId = randomUUID()
  for (let acknowledged = 0; ; acknowledged += 1) {
    // Of other words each time: the history grows by all of them.
    const body = randomBytes(100_000).toString('hex')
    const answer = await engine.draftManager({ action: 'auto-save', accountId, draftId, draft: { body } })
    if (answer.status === 'success') continue
    await engine.close()
    return { accountId, draftId, acknowledged, refused: answer }
  }
}
