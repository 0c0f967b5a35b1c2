import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { createEngine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import type { SavedWithin } from './draft-manager-in-little-room.ts'
import { openOfflineManager, umid, written } from './draft-manager-engine.ts'

describe('a disk that is full is STORAGE_ERROR', () => {
  test('by whatever action writes, what was stored stays, and it goes on when there is room', async () => {
    let limit: ((pages: number) => void) | undefined
    const manager = await openOfflineManager((file) => ({
      async open() {
        const opened = await sqlite(file).open()
        limit = (pages) => void opened.answer?.(`pragma max_page_count = ${pages}`, [])
        return opened
      },
    }))
    const draftId = await written(manager)
    const large = 'words that take room\n'.repeat(20_000)
    const fresh = randomUUID()
    const actions = [
      { action: 'auto-save', draftId, draft: { body: large } },
      { action: 'auto-save', draftId: fresh, draft: { body: large } },
      { action: 'recover', draftId, draft: { body: large, version: 1 } },
      { action: 'import', bundleData: { drafts: [{ draftId: fresh, body: large }] } },
    ] as const
    // SQLite itself says it, as on a disk without room.
    limit?.(1)
    for (const asked of actions) {
      const refused = await manager.failed(asked)
      expect(refused).toMatchObject({ errorCode: 'STORAGE_ERROR', error: expect.stringContaining('the disk is full') })
    }
    expect((await manager.done({ action: 'get', draftId })).draft).toMatchObject({ body: 'a\n', version: 1 })
    expect((await manager.done({ action: 'list' })).total).toBe(1)
    expect(await manager.engine.drafts.history(umid(draftId))).toHaveLength(1)
    limit?.(1_000_000)
    expect((await manager.done(actions[0])).draft).toMatchObject({ version: 2 })
    await manager.engine.close()
    expect(await manager.failed({ action: 'get', draftId })).toMatchObject({ errorCode: 'STORAGE_ERROR' })
  })

  test('so is a quota of the system, in the middle of saving: what was acknowledged is there afterwards, and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-little-room-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'everdraft.db')
    const program = join(import.meta.dirname, 'draft-manager-in-little-room.ts')
    // The kernel refuses to let a file of this process grow beyond 2,048 blocks of 1,024 bytes (RLIMIT_FSIZE).
    const child = spawn('bash', ['-c', 'ulimit -f 2048; exec "$0" "$1" "$2"', process.execPath, program, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const { accountId, draftId, acknowledged, refused } = JSON.parse(await text(child.stdout)) as SavedWithin
    expect(acknowledged).toBeGreaterThan(1)
    expect(refused).toMatchObject({ status: 'error', errorCode: 'STORAGE_ERROR' })
    expect(refused.status === 'error' && refused.error).toContain(file)

    const engine = await createEngine({ storage: sqlite(file), mailbox: imap(), submission: smtp(), watch: false })
    onTestFinished(() => engine.close())
    const answer = await engine.draftManager({ action: 'get', accountId, draftId })
    expect(answer).toMatchObject({ status: 'success', output: { draft: { version: acknowledged } } })
    expect(await engine.drafts.history(umid(draftId))).toHaveLength(acknowledged)
  })
})
