import { base64Bytes, byteString, utf8OfByteString } from '../../octets.ts'
import { bad, no, ok, type Call, type Reply, type SessionContext } from '../context.ts'
import { ImapSyntaxError } from '../scanner.ts'
import { nstring } from '../format.ts'

function logIn(context: SessionContext, name: string, password: string): Reply {
  const user = context.store.authenticate(utf8OfByteString(name), utf8OfByteString(password))
  if (user === undefined) return no('Authentication failed', 'AUTHENTICATIONFAILED')
  context.user = user
  return ok('Logged in', context.capabilityLine())
}

/** RFC 3501 §6.2.3. */
export function login({ context, args }: Call): Reply {
  const name = args.astring()
  args.space()
  const password = args.astring()
  args.end()
  return logIn(context, name, password)
}

/** RFC 4616: authorisation identity, authentication identity, password. */
function plain(context: SessionContext, response: string): Reply {
  if (response === '*') return bad('Authentication cancelled')
  const bytes = base64Bytes(response === '=' ? '' : response)
  const [, name, password, ...more] = bytes === undefined ? [] : byteString(bytes).split('\0')
  if (name === undefined || password === undefined || more.length > 0) {
    return no('Invalid SASL PLAIN response', 'AUTHENTICATIONFAILED')
  }
  return logIn(context, name, password)
}

/** RFC 3501 §6.2.2, with an initial response by RFC 4959. */
export function authenticate({ context, args }: Call): Reply {
  const mechanism = args.word()
  const initial = context.capabilities.has('SASL-IR') && args.skip(' ') ? args.takeWhile(/[^ ]/u) : undefined
  args.end()
  if (mechanism !== 'PLAIN') return no('Unsupported authentication mechanism')
  return initial === undefined
    ? { kind: 'ask', prompt: '', onLine: (line) => plain(context, line) }
    : plain(context, initial)
}

export function capability({ context }: Call): Reply {
  context.untagged(context.capabilityLine())
  return ok('Capability completed')
}

/** The pending updates of the mailbox are sent behind every command: NOOP and CHECK have nothing else to do. */
export const noop = (): Reply => ok('NOOP completed')
export const check = (): Reply => ok('Check completed')

export function logout({ context }: Call): Reply {
  context.untagged('BYE Logging out')
  context.select(undefined)
  context.loggedOut = true
  return ok('Logout completed')
}

/** RFC 2971. */
export function id({ context, args }: Call): Reply {
  if (args.peek() === '(') {
    args.list(() => (args.peek() === '"' || args.atLiteral() ? args.string() : args.word()))
  } else if (args.word() !== 'NIL') throw new ImapSyntaxError('Expected a list or NIL')
  args.end()
  context.untagged(`ID ("name" ${nstring('everdraft mail server')})`)
  return ok('ID completed')
}

/** RFC 5161: names that are not known are ignored. QRESYNC enables CONDSTORE too (RFC 7162 §3.2.3). */
export function enable({ context, args }: Call): Reply {
  const asked = new Set<string>()
  do asked.add(args.word())
  while (args.skip(' '))
  args.end()
  const enabled: string[] = []
  if (asked.has('QRESYNC') && context.capabilities.has('QRESYNC')) {
    context.qresync = true
    enabled.push('QRESYNC')
  }
  if (enabled.length > 0 || (asked.has('CONDSTORE') && context.capabilities.has('CONDSTORE'))) {
    context.useCondstore()
    enabled.push('CONDSTORE')
  }
  context.untagged(['ENABLED', ...enabled].join(' '))
  return ok('Enabled')
}

/** RFC 4978 §3. */
export function compress({ context, args }: Call): Reply {
  const mechanism = args.word()
  args.end()
  if (mechanism !== 'DEFLATE') return no(`Unknown compression mechanism ${mechanism}`)
  if (context.compressing) return no('Compression is active', 'COMPRESSIONACTIVE')
  return { kind: 'tagged', status: 'OK', text: 'Compression active', startsCompression: true }
}

/** RFC 2177. */
export function idle({ context, args }: Call): Reply {
  args.end()
  context.idling = true
  return {
    kind: 'ask',
    prompt: 'idling',
    onLine: (line) => {
      context.idling = false
      return line.toUpperCase() === 'DONE' ? ok('Idle completed') : bad('Expected DONE')
    },
  }
}
