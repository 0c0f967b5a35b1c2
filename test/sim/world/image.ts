import { createEngine } from '@everdraft/core'

import { createDice } from './dice.ts'
import { createDisk } from './disk.ts'
import { simFormat } from './message-format.ts'
import { createProcess, never } from './process.ts'
import { createTrace } from './trace.ts'

let made: Promise<Uint8Array> | null = null

/** A database in which the engine was once and did nothing: to make its tables anew for each of thousands of lives takes as long as a life. */
export function emptyImage(): Promise<Uint8Array> {
  made ??= make()
  return made
}

const now = (): number => 0

async function make(): Promise<Uint8Array> {
  const disk = createDisk(createTrace(now, 0), null)
  const random = createDice('image')
  const engine = await createEngine({
    storage: disk.storageOf(createProcess(0)),
    mailbox: { format: simFormat, connect: never },
    environment: { now, random: (length) => random.bytes(length), schedule: () => () => {} },
  })
  await engine.close()
  return disk.database.serialize()
}
