import { join } from 'node:path'

import type { AccountId } from '@everdraft/core'
import { expect, test } from 'vitest'

import { platformEnvironment } from '../../core/src/engine/platform.ts'
import { createQueue, type QueueOptions } from '../../core/src/queue/queue.ts'
import { wireTasks } from '../../core/src/tasks/registry.ts'
import { done, type FollowUp, type WireTask } from '../../core/src/tasks/task.ts'
import { openStoreAt, temporaryFolder } from './harness.ts'

const one = (task: FollowUp['task'], account: string, key: string): FollowUp => ({
  task,
  accountId: account as AccountId,
  key,
  delayMs: 0,
  join: 'keep',
})

test('responders that take their time use up none of what all other tasks share', async () => {
  await using folder = await temporaryFolder()
  const store = await openStoreAt(join(folder.path, 'everdraft.db'))
  const answer = Promise.withResolvers<void>()
  const uploaded = Promise.withResolvers<string>()
  const hanging: WireTask = {
    ...wireTasks.responder_answer,
    async execute() {
      await answer.promise
      return done()
    },
  }
  const upload: WireTask = {
    ...wireTasks.draft_upload,
    async execute(_, key) {
      uploaded.resolve(key)
      return done()
    },
  }
  const connections = { retryAt: () => 0, release: () => {} }
  const queue = createQueue({
    store,
    environment: platformEnvironment(undefined),
    tasks: { ...wireTasks, responder_answer: hanging, draft_upload: upload },
    concurrency: 2,
    sessions: connections as Partial<QueueOptions['sessions']> as QueueOptions['sessions'],
    submissions: connections as Partial<QueueOptions['submissions']> as QueueOptions['submissions'],
    format: { compose: unused, parse: unused },
    pollMs: 3_600_000,
    sentCopy: { waitMs: 0, lookAgainMs: 0 },
    bounces: { reader: null, forMs: 0 },
    responders: { draftOnly: true, ask: null },
    taskBackOff: { firstMs: 1, longestMs: 1 },
    offlineBackOff: { firstMs: 1, longestMs: 1 },
    watch: () => {},
    watchInbox: () => {},
  })
  const asked = ['a', 'b', 'c', 'd'].map((account) => one('responder_answer', account, 'mail'))
  await store.write((write) => queue.enqueue(write, asked))
  queue.wake()
  const after = [one('draft_upload', 'a', 'draft')]
  await store.write((write) => queue.enqueue(write, after))
  queue.wakeFor(after)
  expect(await uploaded.promise).toBe('draft')
  answer.resolve()
  for (const { accountId } of asked) expect(await queue.settled(accountId, null)).toBe(true)
  await queue.close(1_000)
  await store.close()
})

const unused = (): Promise<never> => Promise.reject(new TypeError('no message is looked at here'))
