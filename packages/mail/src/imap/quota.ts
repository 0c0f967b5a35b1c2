import type { ImapConnection } from './connection.ts'
import { listOf } from './response.ts'
import { astring } from './syntax.ts'

// RFC 9208 §5.1: STORAGE counts in units of 1024 octets.
const storageUnitBytes = 1024

/** The least that any of the folder's quota roots leaves; null where none limits it. */
export async function fetchQuotaLeft(connection: ImapConnection, wireName: string): Promise<number | null> {
  let least: number | null = null
  await connection.run(['GETQUOTAROOT ', astring(wireName)], {
    onData: (response) => {
      if (response.keyword !== 'QUOTA') return
      const resources = listOf(response.attributes.at(-1))
      for (let index = 0; index + 2 < resources.length; index += 3) {
        if (resources[index]?.toUpperCase() !== 'STORAGE') continue
        const left = Math.max(0, Number(resources[index + 2]) - Number(resources[index + 1])) * storageUnitBytes
        least = Math.min(least ?? left, left)
      }
    },
  })
  // A refusal says nothing about the room that there is.
  return least
}
