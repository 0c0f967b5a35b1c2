import { createFaultySmtpSink, describeServer } from '@everdraft/testkit'
import { afterAll } from 'vitest'

import { sendingCutsSuite } from './cuts-suite.ts'
import { openFaultySender } from './faulty-sender.ts'

// It listens before the server is started, as that is told its port.
const sink = await createFaultySmtpSink()
afterAll(() => sink.close())

describeServer(
  'dovecot24',
  (server) => {
    sendingCutsSuite({ open: () => openFaultySender({ relay: { server: server(), sink } }), most: 100 })
  },
  { relayPort: sink.port },
)
