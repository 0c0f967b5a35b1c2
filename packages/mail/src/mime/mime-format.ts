import type { MessageFormat } from '@everdraft/core'

import { compose } from './compose.ts'
import { parse } from './parse.ts'

/** Messages as RFC 5322 and MIME have them. Addresses are read by mailparser; quoted-printable is nodemailer's. */
export function mimeFormat(): MessageFormat {
  return { compose, parse }
}
