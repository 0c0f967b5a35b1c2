import { describe } from 'vitest'

import { fixtureOfEachTest } from './current-fixture.ts'

import { exerciseAttachments } from './storage-attachments.ts'
import { exerciseDatabase } from './storage-database.ts'
import { exerciseDrafts } from './storage-drafts.ts'
import { openFixture, type StorageExpectations, type StorageSubject } from './storage-fixture.ts'
import { exerciseKeeping } from './storage-keeping.ts'
import { exerciseQueue } from './storage-queue.ts'
import { exerciseSearch } from './storage-search.ts'

export type { StorageExpectations, StoragePlace, StorageSubject } from './storage-fixture.ts'

/**
 * Proves on an adapter what the storage port promises, and that the engine does on it what it does on the others.
 * `subject` is called when tests run, so that a server may be started by then.
 */
export function exerciseStorage(subject: () => StorageSubject, expected: StorageExpectations): void {
  const fixture = fixtureOfEachTest('storage', () => openFixture(subject()))
  describe('the database', () => {
    exerciseDatabase(fixture, expected)
  })
  describe('drafts and their history', () => {
    exerciseDrafts(fixture)
  })
  describe('the queue', () => {
    exerciseQueue(fixture)
  })
  describe('attachments', () => {
    exerciseAttachments(fixture)
  })
  describe('search', () => {
    exerciseSearch(fixture)
  })
  describe('what is kept, and how long', () => {
    exerciseKeeping(fixture, expected)
  })
}
