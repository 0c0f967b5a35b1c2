// The SMTP sink in a process of its own, for sending.ts: node sending-sink.ts <users>
import { createSmtpSink } from '@everdraft/testkit'

const users = Object.fromEntries(Array.from({ length: Number(process.argv[2]) }, (_, index) => [`u${index}`, 'secret']))
const sink = await createSmtpSink({ users })
process.send?.({ port: sink.port })
// How many it has taken.
process.on('message', () => process.send?.({ taken: sink.received.length }))
process.once('disconnect', () => process.exit(0))
