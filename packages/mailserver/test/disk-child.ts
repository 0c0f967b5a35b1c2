// A server in a folder, to be killed by the test that started it. Prints its port.
import { createMailServer } from '../src/index.ts'

const [folder = ''] = process.argv.slice(2)
const server = createMailServer({ users: [{ name: 'alice', password: 'secret' }], folder })
await server.listen()
process.stdout.write(`${server.imapPort}\n`)
