import { CommandFailure } from '../failure.ts'

/** What the demo says about itself turned out not to be so. */
export class ClaimFailure extends CommandFailure {}

export function claim(holds: boolean, otherwise: string): void {
  if (!holds) throw new ClaimFailure(`not as claimed: ${otherwise}`)
}
