import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes long and mostly waits, for servers and other processes; the longest first. */
const waiting = [
  'testkit/test/bench-smoke',
  'live/mailbox-port',
  'live/greenmail',
  'live/cyrus310',
  'live/dovecot24',
  'live/poor-dovecot',
  'live/dovecot23',
  'live/submission-port',
  'live/demo',
  'differential/differential',
  'live/access-token',
  'cuts/cyrus310',
  'hazards/sending',
  'cuts/dovecot24',
  'live/correlation',
  'sending-faults/cuts',
]

/** What takes long and mostly computes. */
const computing = [
  'sim/simulation-',
  'live/quirks',
  'postgres/test/engine',
  'live/embedded',
  'sqlite/test/engine',
  'sim/crash-everywhere',
  'cli/test/demo',
  'sending-faults/replies',
  'postgres/test/conformance',
  'client/test/auto-save',
  'live/sizes',
  'crash/kill',
  'crash/sending',
  'cli/test/serve',
  'test/readme',
]

/**
 * Begun last, what takes long would be waited for alone. The one kind takes turns with the other, as the cores have nothing to
 * do where all workers wait.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- no array's, but the sequencer's
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => place(a) - place(b))
  }
}

function place({ moduleId }: TestSpecification): number {
  const waits = waiting.findIndex((name) => moduleId.includes(name))
  if (waits !== -1) return waits * 2
  const computes = computing.findIndex((name) => moduleId.includes(name))
  return computes === -1 ? Number.MAX_SAFE_INTEGER : computes * 2 + 1
}
