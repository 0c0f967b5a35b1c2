import { createEngine, type Engine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

/** For a process that is killed at any moment: as much as can be is under way by then. */
export function openHastyEngine(file: string): Promise<Engine> {
  return createEngine({
    storage: sqlite(file),
    mailbox: imap(),
    submission: smtp(),
    probe: false,
    timing: {
      uploadDelayMs: 3,
      longestUploadDelayMs: 20,
      firstBackOffMs: 5,
      longestOfflineBackOffMs: 50,
      sentCopyWaitMs: 0,
      sentCopyLookAgainMs: 3_600_000,
    },
  })
}
