import { afterEach, beforeEach, describe } from 'vitest'
import { exerciseSubmissionConnecting } from './submission-connecting.ts'
import {
  openSubmission,
  type SubmissionExpectations,
  type SubmissionFixture,
  type SubmissionSubject,
} from './submission-fixture.ts'
import { exerciseLostSubmissions } from './submission-lost-connections.ts'
import { exerciseSending } from './submission-sending.ts'

export type { Delivered, SubmissionExpectations, SubmissionSubject } from './submission-fixture.ts'

/**
 * Proves every line of the submission port's doc comments on an adapter and a server. `subject` is called when tests run,
 * so that a server may be started by then.
 */
export function exerciseSubmission(subject: () => SubmissionSubject, expected: SubmissionExpectations): void {
  const current = { fixture: undefined as SubmissionFixture | undefined }
  const fixture = (): SubmissionFixture => {
    if (current.fixture === undefined) throw new Error('The session is open only inside tests')
    return current.fixture
  }
  beforeEach(async () => {
    current.fixture = await openSubmission(subject())
  })
  afterEach(async () => {
    await current.fixture?.close()
    current.fixture = undefined
  })
  describe('connecting', () => {
    exerciseSubmissionConnecting(fixture, expected)
  })
  describe('sending', () => {
    exerciseSending(fixture, expected)
  })
  describe('lost connections', () => {
    exerciseLostSubmissions(fixture)
  })
}
