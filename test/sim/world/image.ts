import { createEngine } from '@everdraft/core'

import { createDice } from './dice.ts'
import { createDisk } from './disk.ts'
import { simFormat } from './message-format.ts'
import { createProcess, never } from './process.ts'
import { createTrace } from './trace.ts'

const made = new Map<string, Promise<Uint8Array>>()

/** A database in which the engine was once and did nothing: to make its tables anew for each of thousands of lives takes as long as a life. */
export function emptyImage(device = 'a device'): Promise<Uint8Array> {
  const image = made.get(device) ?? make(device)
  made.set(device, image)
  return image
}

const now = (): number => 0

async function make(device: string): Promise<Uint8Array> {
  const disk = createDisk(createTrace(now, 0), null)
  const random = createDice(device)
  const engine = await createEngine({
    storage: disk.storageOf(createProcess(0)),
    mailbox: { format: simFormat, connect: never },
    environment: { now, random: (length) => random.bytes(length), schedule: () => () => {} },
  })
  await engine.close()
  return disk.database.serialize()
}
