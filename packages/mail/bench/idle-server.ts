// The embedded mail server in a process of its own, for idle-accounts.ts: node idle-server.ts <users>
import { createMailServer } from '@everdraft/mailserver'

const users = Array.from({ length: Number(process.argv[2]) + 1 }, (_, index) => ({
  name: `u${index}`,
  password: 'secret',
  address: `u${index}@example.org`,
}))
const server = createMailServer({ users })
await server.listen()
process.send?.({ port: server.imapPort })
process.once('disconnect', () => process.exit(0))
