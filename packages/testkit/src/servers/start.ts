import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { availability, servers } from './available.ts'
import { containerProcess } from './container.ts'
import type { MailUser, PortName, RunningServer, ServerName, ServerOptions } from './driver.ts'
import { greeting } from './greeting.ts'
import { localProcess } from './local.ts'

const userNames: readonly string[] = Array.from({ length: 80 }, (_, index) => `u${String(index + 1).padStart(2, '0')}`)

/** Starts the named server on free ports of loopback and waits for its greeting. Whoever starts it calls `stop`. */
export async function startServer(name: ServerName, options: ServerOptions = {}): Promise<RunningServer> {
  const here = availability(name, options)
  if (!here.available) throw new Error(`${servers[name].title} cannot be had here: ${here.reason}`)
  const server = servers[name]
  const container = here.way === 'docker' ? server.container : undefined
  const wanted = container ? (Object.keys(container.ports) as PortName[]) : server.ports
  const ports = await freePorts(wanted)
  const imapPort = ports.get('IMAP_PORT')
  if (imapPort === undefined) throw new Error(`${name} lists no IMAP_PORT`)
  const password = container ? container.password : server.password
  const domain = container ? container.domain : server.domain
  const smtpPort = ports.get('SMTP_PORT') ?? (options.relayPort === undefined ? undefined : ports.get('SUBM_PORT'))
  const httpPort = ports.get('HTTP_PORT')

  const state = await mkdtemp(join(tmpdir(), `everdraft-${name}-`))
  const environment = {
    ...options.environment,
    STATE: state,
    USERS: userNames.map((user) => `${user}:${password}`).join(' '),
    RELAY_PORT: String(options.relayPort ?? 9),
  }
  const process = container
    ? containerProcess(container, ports, userNames)
    : localProcess(server.script, { ...environment, ...Object.fromEntries([...ports].map(([k, v]) => [k, String(v)])) })

  const start = async (): Promise<void> => {
    await process.start()
    await Promise.race([greeting('127.0.0.1', imapPort, 120_000), process.crashed])
  }
  const remove = async (): Promise<void> => {
    await process.clean()
    await rm(state, { recursive: true, force: true, maxRetries: 5 })
  }

  try {
    await start()
    await container?.makeUsers?.(ports, userNames)
  } catch (error) {
    await process.kill()
    await remove()
    throw error
  }

  let running = true
  let given = 0
  return {
    name,
    supports: { ...server.supports, ...options.variant?.supports },
    host: '127.0.0.1',
    imapPort,
    ...(smtpPort === undefined ? {} : { smtpPort }),
    ...(httpPort === undefined ? {} : { httpPort }),
    user(n?: number): MailUser {
      const user = userNames[n === undefined ? given++ : n - 1]
      if (user === undefined) throw new Error(`${name} has ${userNames.length} users, and all were given out`)
      return { user, password, address: `${user}@${domain}` }
    },
    async stop() {
      try {
        if (running) await process.end()
      } finally {
        running = false
        await remove()
      }
    },
    async kill() {
      running = false
      await process.kill()
    },
    async restart() {
      if (running) await process.end()
      running = true
      await start()
    },
  }
}

/**
 * Ports nobody listens on, below the range from which the kernel takes the ports of outgoing connections: one that was
 * free a moment ago is not handed to a client meanwhile.
 */
async function freePorts<Name extends string>(names: readonly Name[]): Promise<ReadonlyMap<Name, number>> {
  const ports = new Map<Name, number>()
  for (const name of names) {
    let port = randomInt(20_000, 30_000)
    while ([...ports.values()].includes(port) || !(await isFree(port))) port = randomInt(20_000, 30_000)
    ports.set(name, port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
