import { createHash } from 'node:crypto'

import type { Attachment, DraftContent } from '@everdraft/core'

import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, draftsOnDisk, hasTables, isOf, revisionsOnDisk } from './stored.ts'

const hourMs = 3_600_000

/**
 * Invariant 1: every acknowledged revision is held, with the bytes of its attachments, and what is in the trash was put
 * there by somebody: by its author, or by another program that took its copy from the server.
 */
export function everyRevisionIsHeld(world: World): Checker {
  const { disk, ledger } = world
  let seen = ''
  return {
    invariant: '1: every acknowledged revision is held',
    check() {
      const { database } = disk
      const tables = ['draft', 'revision', 'conflict', 'blob', 'blob_chunk']
      const now = `${tables.map((table) => disk.touched(table)).join()} ${ledger.shown.length} ${ledger.written.length}`
      if (now === seen || !hasTables(database)) return []
      seen = now
      const complaints: string[] = []
      const drafts = new Map(draftsOnDisk(database).map((draft) => [draft.id, draft]))
      // History is thinned out after an hour, and the newest revision never is.
      const isThinnedOut = (draftId: string, version: number, atMs: number): boolean =>
        world.scheduler.now() - atMs > hourMs && drafts.get(draftId)?.version !== version
      const revisions = new Map([...drafts].map(([id, draft]) => [id, revisionsOnDisk(database, draft)]))
      for (const { draftId, version, content, atMs } of ledger.shown) {
        const held = revisions.get(draftId)?.get(version)
        if (held === undefined && isThinnedOut(draftId, version, atMs)) continue
        if (held === undefined) complaints.push(`revision ${version} of ${draftId} was acknowledged and is gone`)
        else if (!same(held.content, content)) complaints.push(`revision ${version} of ${draftId} says something else`)
        else for (const one of content.attachments) complaints.push(...missingBytes(world, one))
      }
      const texts = new Map([...revisions].map(([id, held]) => [id, JSON.stringify([...held.values()])]))
      const conflicts = ask<{ readonly local: string }>(database, 'select local from conflict').map((row) => row.local)
      for (const { draftId, words, atMs } of ledger.written) {
        if (world.scheduler.now() - atMs > hourMs) continue
        const kept = texts.get(draftId)?.includes(words) === true || conflicts.some((local) => local.includes(words))
        if (!kept) complaints.push(`"${words}" of ${draftId} was acknowledged, and is nowhere`)
      }
      for (const { id, status, version, content } of drafts.values()) {
        const head = revisions.get(id)?.get(version)
        if (head === undefined || !same(head.content, content)) complaints.push(`the head of ${id} is no revision`)
        const taken = world.server.losses.some((loss) => loss.by === 'foreign' && isOf(database, id, loss.arrival))
        if (status === 'discarded' && !ledger.discarded.has(id as never) && !taken) {
          complaints.push(`${id} is in the trash, and nobody put it there`)
        }
      }
      return complaints
    },
  }
}

function missingBytes(world: World, { sha256, size }: Attachment): readonly string[] {
  const { database } = world.disk
  const [row] = ask<{ readonly id: number }>(database, 'select id from blob where sha256 = ? and complete = 1', sha256)
  if (row === undefined) return [`the attachment ${sha256} is gone`]
  const chunks = ask<{ readonly bytes: Uint8Array }>(
    database,
    'select bytes from blob_chunk where blob_id = ? order by seq',
    row.id,
  )
  const hash = createHash('sha256')
  let length = 0
  for (const { bytes } of chunks) {
    hash.update(bytes)
    length += bytes.length
  }
  return length === size && hash.digest('hex') === sha256 ? [] : [`the attachment ${sha256} has other bytes`]
}

function same(a: DraftContent[keyof DraftContent] | DraftContent, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || JSON.stringify(a, sorted) === JSON.stringify(b, sorted)
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
