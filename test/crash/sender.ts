import type { AccountId } from '@everdraft/core'

import { openHastyEngine } from '../../packages/daemon/test/hasty-engine.ts'

/**
 * A process that writes mails and sends them until it is killed. It says each consent on standard output once it was
 * acknowledged: the id of the send.
 */
const [file = '', account = '', seed = '0'] = process.argv.slice(2)
const engine = await openHastyEngine(file)
const accountId = account as AccountId

for (let number = 0; ; number += 1) {
  const text = `mail ${number} of run ${seed}\n`
  const draft = await engine.drafts.create({ accountId, to: ['bob@example.com', 'carla@example.com'], text })
  // Some are in Drafts before they go, and some never were.
  if (number % 3 === 0) await engine.drafts.flush(draft.id)
  if (number % 4 === 0) {
    await engine.drafts.attach(draft.id, { filename: 'part.bin', content: new Uint8Array(80_000).fill(number % 256) })
  }
  const { id } = await engine.drafts.send(draft.id)
  process.stdout.write(`${id}\n`)
  await new Promise((resolve) => setTimeout(resolve, (number * 7) % 23))
}
