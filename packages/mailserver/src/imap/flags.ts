import { systemFlag, systemFlags, type StoredMessage } from '../store/message.ts'
import type { Quirks } from '../quirks.ts'
import type { View } from './view.ts'
import { ImapSyntaxError, type Scanner } from './scanner.ts'

/** One flag of a STORE or an APPEND (RFC 3501 §9, `flag`). */
export function readFlag(scanner: Scanner, quirks: Quirks): string {
  if (!scanner.skip('\\')) return quirks.lowerCasesKeywords === true ? scanner.atom().toLowerCase() : scanner.atom()
  const name = `\\${scanner.atom()}`
  const known = systemFlag(name)
  if (known === undefined) throw new ImapSyntaxError(`Invalid system flag ${name}`)
  return known
}

export function formatFlags(message: StoredMessage, view: View): string {
  const system = message.flags.filter((flag) => flag.startsWith('\\'))
  const keywords = message.flags.filter((flag) => !flag.startsWith('\\'))
  return `(${[...system, ...(view.isRecent(message.uid) ? ['\\Recent'] : []), ...keywords].join(' ')})`
}

export function flagLines(view: View): readonly string[] {
  const known = [...systemFlags, ...view.mailbox.keywords].join(' ')
  return [
    `FLAGS (${known})`,
    view.readOnly ? 'OK [PERMANENTFLAGS ()] Read-only mailbox.' : `OK [PERMANENTFLAGS (${known} \\*)] Flags permitted.`,
  ]
}
