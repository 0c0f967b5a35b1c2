import { createDaemon } from '../src/index.ts'
import { openHastyEngine } from './hasty-engine.ts'

/** A daemon that is there to be killed: it says its URL, and serves until then. */
const [file = '', token = ''] = process.argv.slice(2)
const daemon = await createDaemon({ engine: await openHastyEngine(file), token, version: '1.2.3' })
process.stdout.write(`${await daemon.listen({ host: '127.0.0.1', port: 0 })}\n`)
