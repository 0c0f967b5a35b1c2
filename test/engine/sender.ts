import type { EngineOptions, EngineTiming, SendId, SendPhase, SendRecord } from '@everdraft/core'
import type { MailServerOptions } from '@everdraft/mailserver'

import { type EmbeddedDevice, openEmbedded } from '../hazards/embedded-device.ts'
import { reachedPhase } from './reached-phase.ts'

/** A device that sends, beside its own embedded mail server, which counts what it has taken. */
export interface Sender extends AsyncDisposable, Omit<EmbeddedDevice, keyof AsyncDisposable> {
  /** When the send has come to one of these phases. */
  reaches(id: SendId, ...phases: readonly SendPhase[]): Promise<SendRecord>
  /** When no send waits for the server any more: filed, verified and cleaned, or at its end. */
  ends(id: SendId): Promise<SendRecord>
  /** The texts of what is in Sent. */
  sent(): readonly string[]
  /** How often a mail with this text was taken, by SMTP. */
  taken(text: string): number
}

export async function openSender(
  options: Omit<MailServerOptions, 'users'> = {},
  timing: Partial<EngineTiming> = {},
  engine: Partial<EngineOptions> = {},
): Promise<Sender> {
  const embedded = await openEmbedded(options, engine, { sentCopyWaitMs: 0, sentCopyLookAgainMs: 3_600_000, ...timing })
  const { device } = embedded

  const reaches: Sender['reaches'] = (id, ...phases) => reachedPhase(device, id, ...phases)

  return {
    device,
    get mailServer() {
      return embedded.mailServer
    },
    comeBackEmpty: () => embedded.comeBackEmpty(),
    upload: () => embedded.upload(),
    texts: () => embedded.texts(),
    reaches,
    ends: (id) => reaches(id, 'cleaned', 'cancelled', 'failed', 'unknown', 'parked'),
    sent: () => embedded.mailServer.mailbox('ann', 'Sent').map(({ bytes }) => new TextDecoder().decode(bytes)),
    taken: (text) =>
      embedded.mailServer.submissions.filter(({ bytes }) => new TextDecoder().decode(bytes).includes(text)).length,
    [Symbol.asyncDispose]: () => embedded[Symbol.asyncDispose](),
  }
}
