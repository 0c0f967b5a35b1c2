import { type OpenOutcome, type SubmissionCapabilities, type SubmissionEnvelope, wireAddress } from '@everdraft/core'

/** The lines that open a transaction, or why none can be. */
export type EnvelopePlan =
  | { readonly kind: 'lines'; readonly mail: string; readonly recipients: readonly string[] }
  | Extract<OpenOutcome, { readonly kind: 'too-large' | 'unsupported' }>

/** @throws {TypeError} for an envelope that could not be one on any server */
export function planEnvelope(envelope: SubmissionEnvelope, capabilities: SubmissionCapabilities): EnvelopePlan {
  const { from, recipients, size, eightBit, envid, utf8Header = false, holdUntil = null } = envelope
  if (recipients.length === 0) throw new TypeError('An envelope needs a recipient')
  if (holdUntil !== null && capabilities.futureRelease === null) {
    throw new TypeError('This server holds no mail for later (FUTURERELEASE)')
  }
  if (envid !== null && !/^[\x21-\x7e]{1,100}$/.test(envid)) {
    throw new TypeError('ENVID must be 1 to 100 printable ASCII characters')
  }
  const addresses = [from, ...recipients]
  for (const address of addresses) assertPlain(address)

  const international = addresses.filter((address) => !isAscii(wireAddress(address)))
  if ((international.length > 0 || utf8Header) && !capabilities.smtpUtf8) {
    return { kind: 'unsupported', needs: 'SMTPUTF8', addresses: international }
  }
  if (eightBit && !capabilities.eightBitMime) return { kind: 'unsupported', needs: '8BITMIME', addresses: [] }
  const { sizeLimit } = capabilities
  if (sizeLimit !== null && size > sizeLimit) return { kind: 'too-large', limitBytes: sizeLimit }

  const reports = capabilities.dsn && envid !== null
  const parameters = [
    capabilities.size ? `SIZE=${size}` : '',
    // RFC 6531 §3.6: a header in UTF-8 is an 8-bit message, too.
    eightBit || utf8Header ? 'BODY=8BITMIME' : '',
    // RFC 6531 §3.4: only where it is needed, as servers further on may not have it.
    international.length > 0 || utf8Header ? 'SMTPUTF8' : '',
    reports ? `RET=HDRS ENVID=${xtext(envid)}` : '',
    // RFC 4865 §5 takes RFC 3339 without fractions.
    holdUntil === null ? '' : `HOLDUNTIL=${new Date(holdUntil).toISOString().replace(/\.\d+Z$/, 'Z')}`,
  ]
  return {
    kind: 'lines',
    mail: withParameters(`MAIL FROM:<${wireAddress(from)}>`, parameters),
    recipients: recipients.map((address) => {
      const wire = wireAddress(address)
      return withParameters(`RCPT TO:<${wire}>`, reports ? ['NOTIFY=FAILURE,DELAY', originalRecipient(wire)] : [])
    }),
  }
}

function withParameters(command: string, parameters: readonly string[]): string {
  return [command, ...parameters.filter((parameter) => parameter !== '')].join(' ')
}

/** RFC 3461 §4.2, RFC 6533 §3: what comes back however often the mail was forwarded. */
function originalRecipient(address: string): string {
  return isAscii(address) ? `ORCPT=rfc822;${xtext(address)}` : `ORCPT=utf-8;${utf8Xtext(address)}`
}

/** RFC 3461 §4: ASCII without blanks, `+` and `=`. */
function xtext(text: string): string {
  return text.replace(/[^\x21-\x7e]|[+=]/g, (character) => `+${hex(character).padStart(2, '0')}`)
}

/** RFC 6533 §3, utf-8-addr-xtext. */
function utf8Xtext(text: string): string {
  return text.replace(/[^\x21-\x7e]|[+=\\]/gu, (character) => `\\x{${hex(character)}}`)
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase()
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

/** Nothing in an address may end the path or the line. */
function assertPlain(address: string): void {
  const outsideQuotes = address.replace(/"(?:[^"\\]|\\.)*"/g, '')
  if (/\p{Cc}/u.test(address) || /[\s<>"]/.test(outsideQuotes)) {
    throw new TypeError('An address of the envelope holds blanks, brackets or control characters')
  }
}
