/** The extensions this server knows. One that is off is neither advertised nor accepted. */
export const knownCapabilities = [
  'LITERAL+',
  'LITERAL-',
  'SASL-IR',
  'ID',
  'ENABLE',
  'IDLE',
  'NAMESPACE',
  'CHILDREN',
  'UNSELECT',
  'UIDPLUS',
  'MOVE',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'CATENATE',
  'REPLACE',
  'APPENDLIMIT',
  'CONDSTORE',
  'QRESYNC',
  'ESEARCH',
  'BINARY',
  'COMPRESS=DEFLATE',
  'STATUS=SIZE',
  'OBJECTID',
  'QUOTA',
  'NOTIFY',
  'X-GM-EXT-1',
] as const

export type Capability = (typeof knownCapabilities)[number]

/**
 * LITERAL- is LITERAL+ with a limit (RFC 7888 §5): a server advertises one or the other. X-GM-EXT-1 is Gmail's alone, and
 * clients that see it take the server for Gmail.
 */
export const defaultCapabilities: readonly Capability[] = knownCapabilities.filter(
  (name) => name !== 'LITERAL-' && name !== 'X-GM-EXT-1',
)

export type CapabilitySet = ReadonlySet<Capability>

export type CapabilityOptions = {
  /** Exactly these; the default is all but LITERAL- and X-GM-EXT-1. */
  readonly capabilities?: readonly Capability[]
  /** Taken away from those. */
  readonly without?: readonly Capability[]
}

export class MailServerOptionError extends TypeError {
  readonly code = 'bad-option'
  readonly field: string

  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`)
    this.name = 'MailServerOptionError'
    this.field = field
  }
}

const isCapability = (name: string): name is Capability => knownCapabilities.some((known) => known === name)

function checked(field: string, names: readonly string[]): readonly Capability[] {
  return names.map((name) => {
    if (isCapability(name)) return name
    throw new MailServerOptionError(field, `unknown capability "${name}"; known are ${knownCapabilities.join(', ')}`)
  })
}

export function resolveCapabilities(options: CapabilityOptions): CapabilitySet {
  const resolved = new Set(checked('capabilities', options.capabilities ?? defaultCapabilities))
  for (const name of checked('without', options.without ?? [])) resolved.delete(name)
  // RFC 7162 §3.2: QRESYNC is CONDSTORE and more, and it has to be enabled.
  if (!resolved.has('CONDSTORE') || !resolved.has('ENABLE')) resolved.delete('QRESYNC')
  // A special use cannot be given to a mailbox where none can be listed.
  if (!resolved.has('SPECIAL-USE')) resolved.delete('CREATE-SPECIAL-USE')
  if (resolved.has('LITERAL+') && resolved.has('LITERAL-')) {
    throw new MailServerOptionError('capabilities', 'LITERAL+ and LITERAL- exclude each other (RFC 7888 §5)')
  }
  return resolved
}
