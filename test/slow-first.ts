import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes a minute or more, the longest first: begun last, it would be waited for alone. */
const slow = [
  'testkit/test/bench-smoke',
  'live/greenmail',
  'live/mailbox-port',
  'sim/simulation-',
  'postgres/test/engine',
  'live/quirks',
  'sim/crash-everywhere',
  'postgres/test/conformance',
  'live/submission-port',
  'live/embedded',
  'client/test/auto-save',
  'cli/test/demo',
]

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- no array's, but the sequencer's
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => place(a) - place(b))
  }
}

function place({ moduleId }: TestSpecification): number {
  const at = slow.findIndex((name) => moduleId.includes(name))
  return at === -1 ? slow.length : at
}
