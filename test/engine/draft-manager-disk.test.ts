import type { Storage } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, test } from 'vitest'

import { openOfflineManager, written } from './draft-manager-engine.ts'

describe('a disk', () => {
  test('a disk that refuses is STORAGE_ERROR, and what was stored stays', async () => {
    let isFull = false
    const manager = await openOfflineManager((file) => {
      const inner = sqlite(file)
      const storage: Storage = {
        async open() {
          const opened = await inner.open()
          return {
            ...opened,
            answer(statement, parameters) {
              if (isFull && statement === 'commit') throw new Error('full')
              return opened.answer?.(statement, parameters) ?? []
            },
            describeError: (error) =>
              String(error) === 'Error: full' ? 'the disk is full' : opened.describeError(error),
          }
        },
      }
      return storage
    })
    const draftId = await written(manager)
    isFull = true
    const answer = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'b' } })
    expect(answer).toMatchObject({ errorCode: 'STORAGE_ERROR', error: 'the disk is full' })
    isFull = false
    expect((await manager.done({ action: 'get', draftId })).draft).toMatchObject({ body: 'a\n', version: 1 })
    await manager.engine.close()
    expect(await manager.failed({ action: 'get', draftId })).toMatchObject({ errorCode: 'STORAGE_ERROR' })
  })
})
