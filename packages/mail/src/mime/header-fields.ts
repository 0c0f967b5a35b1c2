import type { MessageToCompose } from '@everdraft/core'

import { formatAddresses } from './address-field.ts'
import { encodedWords, isPlainHeaderText } from './encoded-word.ts'

// RFC 5322 §2.2: printable ASCII without the colon.
const fieldName = /^[\x21-\x39\x3b-\x7e]+$/
const encodedWord = /=\?[^?]+\?[BQ]\?[^?]*\?=/i
const fieldValue = /^[\t\x20-\x7e]*$/

/** The header of the message itself; the fields of MIME are those of its parts and follow it. */
export function headerFields({ content, messageId, date, headers, includeBcc }: MessageToCompose): string {
  const fields: [string, string][] = []
  if (content.from) fields.push(['From', formatAddresses([content.from])])
  if (content.to.length > 0) fields.push(['To', formatAddresses(content.to)])
  if (content.cc.length > 0) fields.push(['Cc', formatAddresses(content.cc)])
  if (content.bcc.length > 0 && includeBcc) fields.push(['Bcc', formatAddresses(content.bcc)])
  if (content.subject !== '') fields.push(['Subject', subject(content.subject)])
  fields.push(['Date', new Date(date).toUTCString().replace('GMT', '+0000')], ['Message-ID', messageId])
  if (content.inReplyTo !== null) fields.push(['In-Reply-To', ids([content.inReplyTo])])
  if (content.references.length > 0) fields.push(['References', ids(content.references)])
  for (const { name, value } of headers) {
    if (!fieldName.test(name) || !fieldValue.test(value)) {
      throw new TypeError(`The header field ${JSON.stringify(name)} has characters that cannot stand in a header`)
    }
    fields.push([name, value])
  }
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
}

/** As they are. Those of a foreign message may hold anything, and must not become 8-bit or fields of their own here. */
function ids(given: readonly string[]): string {
  return given.every((id) => fieldValue.test(id) && !encodedWord.test(id))
    ? given.join('\r\n ')
    : encodedWords(given.join(' '))
}

function subject(text: string): string {
  // Longer ones would have to be folded at blanks, which readers do not all put back.
  return text.length <= 66 && isPlainHeaderText(text) ? text : encodedWords(text)
}
