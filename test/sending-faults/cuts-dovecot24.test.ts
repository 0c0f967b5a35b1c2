import { createFaultySmtpSink, describeServer } from '@everdraft/testkit'
import { afterAll, describe } from 'vitest'

import { sendingCutsSuite } from './cuts-suite.ts'
import { type FaultySender, openFaultySender } from './faulty-sender.ts'

// It listens before the server is started, as that is told its port.
const sink = await createFaultySmtpSink()
afterAll(() => sink.close())

describeServer(
  'dovecot24',
  (server) => {
    const open = (): Promise<FaultySender> => openFaultySender({ relay: { server: server(), sink } })
    sendingCutsSuite({ open })
    describe('which fetches the attachment by itself', () => {
      // Each costs an upload besides: by default one of each kind.
      sendingCutsSuite({ open, most: process.env['EVERDRAFT_CUTS'] === 'all' ? Infinity : 1, fetches: true })
    })
  },
  { relayPort: sink.port },
)
