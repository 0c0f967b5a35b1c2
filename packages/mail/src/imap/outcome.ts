import { WireError, type CommandOutcome } from '@everdraft/core'

import type { Completion, ImapConnection } from './connection.ts'
import { serverWords } from './wire-failure.ts'

export function outcomeOf(completion: Completion): CommandOutcome {
  if (completion.status === 'OK') return { kind: 'ok' }
  return {
    kind: 'refused',
    status: completion.status,
    responseCode: completion.code,
    text: serverWords(completion.text),
  }
}

/** @throws {WireError} REFUSED, for a command without which nothing goes on */
export function mustSucceed({ peer }: ImapConnection, command: string, completion: Completion): void {
  if (completion.status === 'OK') return
  throw new WireError('REFUSED', `${peer} refused ${command}: ${serverWords(completion.text)}`)
}
