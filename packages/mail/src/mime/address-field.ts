import { type Address, wireAddress } from '@everdraft/core'
import { parseAddressHeader, type EmailAddress } from 'mailparser'

import { encodedWords, inUtf8Words, isPlainHeaderText } from './encoded-word.ts'
import { withoutControls } from './header-block.ts'

// RFC 5322 §3.4.1: `dot-atom "@" dot-atom`, in ASCII. Drafts have other forms that are legal as groups, too.
const atext = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
const dotAtom = `${atext}(?:\\.${atext})*`
const domain = '[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*'
const finishedAddress = new RegExp(`^${dotAtom}@${domain}$`)

// RFC 5321 §4.1.2 and §4.1.3: what mail can be sent to.
const quotedString = String.raw`"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"`
const addressLiteral = String.raw`\[[A-Za-z0-9.:-]+\]`
const mailbox = new RegExp(`^(?:${dotAtom}|${quotedString})@(?:${domain}|${addressLiteral})$`)

const atomPhrase = new RegExp(`^${atext}(?: ${atext})*$`)

/**
 * The value of an address field, one address to a line.
 *
 * An address that is not finished (`ann@`, a name alone) has no place in RFC 5322's mailboxes, and servers and programs
 * mend or drop what they cannot read. It goes as an empty group that is named after it (RFC 5322 §3.4), which is legal
 * and which they keep: `"ann@":;`
 */
export function formatAddresses(addresses: readonly Address[], asUtf8 = false): string {
  return addresses.map((address) => formatAddress(address, asUtf8)).join(',\r\n ')
}

/** Field values without folds; never throws. */
export function parseAddresses(fieldValues: readonly string[]): readonly Address[] {
  try {
    const { value } = parseAddressHeader(fieldValues.map(inUtf8Words), { decodePunycode: false })
    return value.flatMap(readEntry).map(({ address, name }) => ({
      address: withoutControls(address),
      name: withoutControls(name),
    }))
  } catch {
    return fieldValues.map((value) => ({ address: withoutControls(value), name: '' }))
  }
}

function formatAddress({ address, name }: Address, asUtf8: boolean): string {
  if (!(asUtf8 ? isFinishedUtf8(address) : isFinished(address))) return `${phrase(unfinishedText({ address, name }))}:;`
  const written = asUtf8 ? wireAddress(address) : address
  return name === '' ? written : `${phrase(name)} <${written}>`
}

/** Whether it stands in raw UTF-8 where that is asked for. */
export function needsUtf8({ address }: Address): boolean {
  return isFinishedUtf8(address) && /[^\0-\x7f]/.test(wireAddress(address))
}

function isFinished(address: string): boolean {
  return finishedAddress.test(address) && hasRoom(address)
}

/** A line may have 998 octets (RFC 5322 §2.1.1), and a word that looks encoded would be decoded. */
function hasRoom(address: string): boolean {
  return Buffer.byteLength(address) <= 320 && !address.includes('=?')
}

function isFinishedUtf8(address: string): boolean {
  // RFC 6532 §3.2. An `a` for each of the others: the rest is as in ASCII. Blanks and invisibles are not for addresses.
  // eslint-disable-next-line no-control-regex -- ASCII begins with the controls
  const ascii = address.replace(/[^\x00-\x7f\s\p{C}\p{Z}]/gu, 'a')
  return mailbox.test(ascii) && hasRoom(address)
}

function readEntry(entry: EmailAddress): readonly Address[] {
  if (entry.group === undefined) return [{ address: entry.address ?? '', name: entry.name }]
  if (entry.group.length === 0) return [readUnfinished(entry.name)]
  return entry.group.flatMap(readEntry)
}

/** As people would write it. What marks the address is escaped inside it, so that the way back is certain. */
function unfinishedText({ address, name }: Address): string {
  const escaped = address.replace(/[%<>]/g, (character) => encodeURIComponent(character))
  return name === '' && escaped !== '' ? escaped : `${name} <${escaped}>`
}

function readUnfinished(text: string): Address {
  const match = /^(.*?) ?<([^<>]*)>$/s.exec(text)
  const name = match?.[1] ?? ''
  return { address: (match?.[2] ?? text).replace(/%(?:25|3C|3E)/g, (escape) => decodeURIComponent(escape)), name }
}

function phrase(text: string): string {
  if (text.length > 60 || !isPlainHeaderText(text)) return encodedWords(text)
  return atomPhrase.test(text) ? text : `"${text.replace(/["\\]/g, String.raw`\$&`)}"`
}
