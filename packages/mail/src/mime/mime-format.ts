import type { MessageFormat } from '@everdraft/core'

import { compose } from './compose.ts'
import { parse } from './parse.ts'

/** Messages by nodemailer and mailparser. */
export function mimeFormat(): MessageFormat {
  return { compose, parse }
}
