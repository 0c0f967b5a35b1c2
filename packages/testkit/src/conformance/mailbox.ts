import { describe } from 'vitest'

import { fixtureOfEachTest } from './current-fixture.ts'
import { openFixture, type MailboxExpectations, type MailboxSubject } from './mailbox-fixture.ts'
import { exerciseConnecting } from './mailbox-connecting.ts'
import { exerciseChanges } from './mailbox-changes.ts'
import { exerciseLostConnections } from './mailbox-lost-connections.ts'
import { exerciseParts } from './mailbox-parts.ts'
import { exerciseReading } from './mailbox-reading.ts'
import { exerciseRemoving } from './mailbox-removing.ts'
import { exerciseStoring } from './mailbox-storing.ts'
import { exerciseWatching } from './mailbox-watching.ts'

export type { MailboxExpectations, MailboxSubject } from './mailbox-fixture.ts'

/**
 * Proves every line of the mailbox port's doc comments on an adapter and a server. `subject` is called when tests run,
 * so that a server may be started by then.
 */
export function exerciseMailbox(subject: () => MailboxSubject, expected: MailboxExpectations): void {
  const fixture = fixtureOfEachTest('mailbox', () => openFixture(subject()))
  describe('connecting', () => {
    exerciseConnecting(fixture, expected)
  })
  describe('folders and messages', () => {
    exerciseReading(fixture, expected)
  })
  describe('changes', () => {
    exerciseChanges(fixture, expected)
  })
  describe('watching', () => {
    exerciseWatching(fixture, expected)
  })
  describe('parts', () => {
    exerciseParts(fixture, expected)
  })
  describe('storing', () => {
    exerciseStoring(fixture, expected)
  })
  describe('removing', () => {
    exerciseRemoving(fixture, expected)
  })
  describe('lost connections', () => {
    exerciseLostConnections(fixture, expected)
  })
}
