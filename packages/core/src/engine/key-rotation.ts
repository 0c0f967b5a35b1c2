import { EverdraftError } from '../errors.ts'
import type { Secrets } from '../secrets.ts'
import type { EngineParts } from './parts.ts'
import { sealWebhookSecrets } from './webhooks.ts'

/** Until all is sealed by the new key both are kept: wherever it ends before, the next start seals what is left. */
export function createKeyRotation(
  { store, logIns }: Pick<EngineParts, 'store' | 'logIns'>,
  secrets: Secrets | null,
): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()

  async function rotate(): Promise<void> {
    if (secrets?.addKey === undefined || secrets.keepNewestKey === undefined) {
      throw new EverdraftError(
        'SECRETS_LOCKED',
        'the keys are given from outside: put a new one in front of them, start anew, and then take the old one away',
      )
    }
    secrets.addKey()
    // What was sealed by the key before, and is on its way into the store, is there then.
    await store.write(async () => {})
    await logIns.sealAll()
    await sealWebhookSecrets(store, secrets)
    secrets.keepNewestKey()
  }

  // One after the other: a second key in between would be forgotten with what it has sealed.
  return () => {
    last = last.catch(() => {}).then(rotate)
    return last
  }
}
