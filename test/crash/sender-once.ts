import { type AccountId, createEngine, type SendPhase } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

/**
 * A process that sends one mail and kills itself, as by kill -9, when its journal has come to the phase it was told; with none it
 * goes on until it is killed, or the mail has come to its end. It says the consent on standard output first.
 */
const [file = '', account = '', text = '', last = '', undoMs = '0'] = process.argv.slice(2)
const dieAt = last as SendPhase | ''
const engine = await createEngine({
  storage: sqlite(file),
  mailbox: imap(),
  submission: smtp(),
  probe: false,
  watch: false,
  timing: { sentCopyWaitMs: 0, sentCopyLookAgainMs: 3_600_000 },
})
const draft = await engine.drafts.create({
  accountId: account as AccountId,
  to: ['bob@example.com', 'carla@example.com'],
  text: `${text}\n`,
})
// In Drafts before, so that there is a look and a copy to be cleaned.
await engine.drafts.flush(draft.id)
await engine.sync(account as AccountId, { waitMs: 60_000 })

// Events come right after the commit of what they tell.
engine.subscribe({}, (event) => {
  if (event.type === 'send-status-changed' && event.phase === dieAt) process.kill(process.pid, 'SIGKILL')
})
const { id } = await engine.drafts.send(draft.id, { undoMs: Number(undoMs) })
process.stdout.write(`${id}\n`)
if (dieAt === 'queued') process.kill(process.pid, 'SIGKILL')
