import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

import type { Plan, Run } from './queue.ts'

/** Requests that are on their way at the same time, as of the engine. */
const atATime = 100

/** What answers `redis-server --version`; null: it is not installed. */
export async function redisVersion(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('redis-server', ['--version'])
    return /v=([\d.]+)/.exec(stdout)?.[1] ?? 'of an unknown version'
  } catch {
    return null
  }
}

/**
 * BullMQ on a Redis of its own that synchronises its log after each command that writes (`appendfsync always`).
 * `concurrency` jobs at a time: with more than one, those of an account are not done in order.
 */
export async function runBullmq(folder: string, { accounts, each }: Plan, concurrency: number): Promise<Run> {
  await mkdir(folder)
  const socket = join(folder, 'redis.sock')
  const redis = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', socket, '--dir', folder]
      .concat(['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''])
      .concat(['--maxmemory-policy', 'noeviction']),
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  try {
    await accepting(redis)
    const connect = (): Redis => new Redis({ path: socket, maxRetriesPerRequest: null })
    return await withQueue(connect, { accounts, each }, concurrency)
  } finally {
    redis.kill()
    if (redis.exitCode === null && redis.signalCode === null) await once(redis, 'exit')
  }
}

async function withQueue(
  connect: () => Redis,
  { accounts, each }: Pick<Plan, 'accounts' | 'each'>,
  concurrency: number,
): Promise<Run> {
  const connections = [connect(), connect()] as const
  const queue = new Queue('tiny', { connection: connections[0] })
  const all = Promise.withResolvers<void>()
  let done = 0
  const worker = new Worker('tiny', async () => null, { connection: connections[1], autorun: false, concurrency })
  worker.on('completed', () => {
    done += 1
    if (done === accounts * each) all.resolve()
  })
  worker.on('error', all.reject)
  try {
    await queue.waitUntilReady()
    await worker.waitUntilReady()
    const jobs = Array.from({ length: each }, (_each, key) =>
      Array.from({ length: accounts }, (_account, account) => ({ account, key })),
    ).flat()
    const started = performance.now()
    for (let index = 0; index < jobs.length; index += atATime) {
      await Promise.all(jobs.slice(index, index + atATime).map((job) => queue.add('tiny', job)))
    }
    const enqueued = performance.now()
    const running = worker.run()
    await all.promise
    const ended = performance.now()
    await worker.close()
    await running
    return { enqueueMs: enqueued - started, drainMs: ended - enqueued }
  } finally {
    await worker.close()
    await queue.close()
    for (const connection of connections) connection.disconnect()
  }
}

async function accepting(redis: ChildProcess): Promise<void> {
  if (redis.stdout === null) throw new TypeError('there is no output to read')
  for await (const line of createInterface({ input: redis.stdout })) {
    if (/ready to accept connections/i.test(line)) {
      redis.stdout.resume()
      return
    }
  }
  throw new Error('Redis ended before it accepted a connection')
}
