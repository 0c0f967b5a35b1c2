import { describe } from 'vitest'

import { fixtureOfEachTest } from './current-fixture.ts'
import { exerciseSubmissionConnecting } from './submission-connecting.ts'
import { openSubmission, type SubmissionExpectations, type SubmissionSubject } from './submission-fixture.ts'
import { exerciseLostSubmissions } from './submission-lost-connections.ts'
import { exerciseSending } from './submission-sending.ts'

export type { Delivered, SubmissionExpectations, SubmissionSubject } from './submission-fixture.ts'

/**
 * Proves every line of the submission port's doc comments on an adapter and a server. `subject` is called when tests run,
 * so that a server may be started by then.
 */
export function exerciseSubmission(subject: () => SubmissionSubject, expected: SubmissionExpectations): void {
  const fixture = fixtureOfEachTest('session', () => openSubmission(subject()))
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
