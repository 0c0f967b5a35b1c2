import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Service {
  readonly image: string
  readonly ports: readonly string[]
  readonly volumes?: readonly string[]
}

describe('docker/compose.yaml', () => {
  const text = read('docker/compose.yaml')
  const compose = parse(text) as { readonly services: Readonly<Record<string, Service>>; readonly name?: string }
  const services = Object.entries(compose.services)

  test('offers the servers that the documentation names', () => {
    expect(services.map(([name]) => name).toSorted()).toEqual(['cyrus', 'dovecot', 'greenmail', 'postgres'])
  })

  test('has no top-level name, which Compose 1 refuses', () => {
    expect(compose.name).toBeUndefined()
  })

  test.each(services)('%s listens on loopback only', (_, { ports }) => {
    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\$\{EVERDRAFT_[A-Z_]+_PORT:-\d+\}:\d+$/)
  })

  test('no two services ask for the same port of the host', () => {
    const wanted = services.flatMap(([, { ports }]) => ports.map((port) => /:-(\d+)\}/.exec(port)?.[1]))
    expect(new Set(wanted).size).toBe(wanted.length)
  })

  test.each(services)('%s has an image with a tag that does not move with every release', (_, { image }) => {
    expect(image).toMatch(/^[\w./-]+:[\w.-]+$/)
    expect(image).not.toMatch(/:latest$/)
  })

  test.each(services)('%s mounts only what is there', (_, { volumes = [] }) => {
    const files = volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => source.startsWith('.'))
    expect(files.filter((file) => !existsSync(join(root, 'docker', file)))).toEqual([])
  })

  test('knows every variable by which the test driver chooses ports and users', () => {
    const drivers = ['dovecot24', 'cyrus310', 'greenmail'].map((name) =>
      read(`packages/testkit/src/servers/${name}.ts`),
    )
    const variables = drivers.flatMap((source) => source.match(/EVERDRAFT_\w+/g) ?? [])
    expect(variables.length).toBeGreaterThan(5)
    for (const variable of variables) expect(text).toContain(`\${${variable}:-`)
  })
})

describe('docker/Dockerfile', () => {
  interface Instruction {
    readonly word: string
    readonly rest: string
  }
  const instructions: readonly Instruction[] = read('docker/Dockerfile')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ word: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1).trim() }))
  const stages = instructions.reduce<Instruction[][]>((found, instruction) => {
    if (instruction.word === 'FROM') found.push([])
    found.at(-1)?.push(instruction)
    return found
  }, [])
  const final = stages.at(-1) ?? []
  const inFinal = (word: string): readonly string[] =>
    final.filter((each) => each.word === word).map(({ rest }) => rest)

  test('is built in stages, on Node 24', () => {
    expect(stages.length).toBeGreaterThan(1)
    for (const [from] of stages) expect(from?.rest).toMatch(/^node:24[\w.-]*-slim( AS \w+)?$/)
  })

  test('runs as a user who is not root, from the last USER on', () => {
    expect(inFinal('USER').at(-1)).toBe('node')
    const after = final.slice(final.findLastIndex(({ word }) => word === 'USER') + 1)
    expect(after.map(({ word }) => word)).not.toContain('RUN')
  })

  test('serves /data on all addresses of the container, and is healthy when /healthz says so', () => {
    expect(inFinal('VOLUME')).toEqual(['/data'])
    expect(inFinal('EXPOSE')).toEqual(['8025'])
    expect(JSON.parse(inFinal('CMD')[0] ?? '')).toEqual(['serve', '--data', '/data', '--listen', '0.0.0.0:8025'])
    expect(inFinal('HEALTHCHECK')[0]).toContain('http://127.0.0.1:8025/healthz')
  })

  test('starts a file that exists', () => {
    const [program, file] = JSON.parse(inFinal('ENTRYPOINT')[0] ?? '') as [string, string]
    expect(program).toBe('node')
    expect(existsSync(join(root, file))).toBe(true)
  })

  test('installs what the lockfile says', () => {
    const installs = instructions.filter(({ word, rest }) => word === 'RUN' && rest.includes(' install --frozen'))
    expect(installs.length).toBe(1)
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> }
    const version = /pnpm@[\d.]+/.exec(scripts['start'] ?? '')?.[0]
    expect(installs[0]?.rest).toContain(`${version} `)
  })

  const sources = instructions
    .filter(({ word, rest }) => word === 'COPY' && !rest.includes('--from='))
    .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))

  test.each(sources)('copies %s, which exists and which .dockerignore lets through', (source) => {
    expect(existsSync(join(root, source))).toBe(true)
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    expect(allowed).toContain(`!${source}`)
  })

  test('the build does not see what is on the disk beside the sources', () => {
    const ignored = read('.dockerignore').split('\n')
    expect(ignored.find((line) => line !== '' && !line.startsWith('#'))).toBe('*')
    expect(ignored).toContain('**/node_modules')
  })
})
