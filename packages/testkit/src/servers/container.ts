import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { composeFile } from './available.ts'
import type { Container, PortName, ServerProcess } from './driver.ts'

const run = promisify(execFile)

/** Runs one service of docker/compose.yaml, in a Compose project of its own. Not tried yet: see docs/servers.md. */
export function containerProcess(
  container: Container,
  ports: ReadonlyMap<PortName, number>,
  names: readonly string[],
): ServerProcess {
  const project = `everdraft-test-${randomBytes(4).toString('hex')}`
  const env: NodeJS.ProcessEnv = { ...process.env }
  for (const [port, variable] of Object.entries(container.ports)) env[variable] = String(ports.get(port as PortName))
  const { users, password, domain } = container
  if (users !== undefined) env[users] = names.map((name) => `${name}:${password}@${domain}`).join(',')
  const compose = async (...args: readonly string[]): Promise<void> => {
    await run('docker', ['compose', '-f', composeFile, '-p', project, ...args], { env })
  }
  return {
    // A container that ends is seen by the greeting's time-out and by the connections it cuts.
    crashed: new Promise<never>(() => {}),
    start: () => compose('up', '--detach', container.service),
    end: () => compose('stop', container.service),
    kill: () => compose('kill', container.service),
    clean: () => compose('down', '--volumes'),
  }
}
