import { type AccountId, createEngine } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

/**
 * A process that writes drafts until it is killed. It says each save on standard output once it was acknowledged:
 * `draft version`, so that whoever killed it knows what must be there.
 */
const [file = '', account = '', seed = '0'] = process.argv.slice(2)
const engine = await createEngine({
  storage: sqlite(file),
  mailbox: imap(),
  // Uploads run all the while, so that the kill falls also into them.
  timing: { uploadDelayMs: 3, longestUploadDelayMs: 20, firstBackOffMs: 5, longestOfflineBackOffMs: 50 },
})
const accountId = account as AccountId

let state = Number(seed) + 1
function chance(limit: number): number {
  // xorshift: the same seed writes the same drafts.
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return Math.abs(state) % limit
}

for (;;) {
  let draft = await engine.drafts.create({ accountId, subject: `draft of run ${seed}`, text: 'version 1\n' })
  process.stdout.write(`${draft.id} ${draft.version}\n`)
  // Now and then so many that the history takes them in.
  const saves = 2 + chance(chance(5) === 0 ? 40 : 6)
  for (let save = 0; save < saves; save += 1) {
    const next = draft.version + 1
    if (chance(4) === 0) {
      const content = new Uint8Array(1 + chance(600_000)).fill(chance(256))
      draft = (await engine.drafts.attach(draft.id, { filename: `part ${next}.bin`, content })).draft
    } else {
      draft = await engine.drafts.save(draft.id, { text: `version ${next}\n` })
    }
    process.stdout.write(`${draft.id} ${draft.version}\n`)
    await new Promise((resolve) => setTimeout(resolve, chance(12)))
  }
  if (chance(4) === 0) {
    await engine.drafts.discard(draft.id)
    process.stdout.write(`${draft.id} discarded\n`)
  }
}
