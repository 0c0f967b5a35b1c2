import type { DiscoveredLogin, DiscoveredServer, DiscoveredServers } from '@everdraft/core'
import { SaxesParser } from 'saxes'

import { hostNameOf } from './host-name.ts'

export interface AutoconfigQuestion {
  readonly address: string
  readonly domain: string
  readonly source: 'autoconfig' | 'well-known'
}

const nothing: DiscoveredServers = { imap: null, smtp: null }

/** Deeper than any such file is. */
const deepest = 12

/** A server as the file says it, before anything of it is believed. */
interface Described {
  readonly type: string
  readonly fields: Map<string, string>
  readonly authentications: string[]
}

/**
 * The common form of a provider's settings, `config-v1.1.xml`. The first IMAP server and the first for sending that can be
 * used with TLS. A file that is no such XML, or has a document type (and with it entities), says nothing.
 */
export function serversOfAutoconfig(xml: string, question: AutoconfigQuestion): DiscoveredServers {
  const described = readDescribed(xml)
  const first = (type: string): DiscoveredServer | null => {
    for (const one of described) {
      const server = one.type === type ? serverOf(one, question) : null
      if (server !== null) return server
    }
    return null
  }
  return described.length === 0 ? nothing : { imap: first('imap'), smtp: first('smtp') }
}

function readDescribed(xml: string): readonly Described[] {
  const servers: Described[] = []
  const path: string[] = []
  let text = ''
  const parser = new SaxesParser()
  // The default of the parser is to go on.
  parser.on('error', refuse)
  parser.on('doctype', refuse)
  parser.on('opentag', ({ name, attributes }) => {
    if (path.length >= deepest) refuse()
    path.push(name)
    text = ''
    if (isServer(path)) servers.push({ type: attributes['type'] ?? '', fields: new Map(), authentications: [] })
  })
  const add = (piece: string): void => {
    text += piece
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', ({ name }) => {
    path.pop()
    const server = servers.at(-1)
    if (server === undefined || !isServer(path)) return
    const value = text.trim()
    if (name === 'authentication') server.authentications.push(value)
    else if (!server.fields.has(name)) server.fields.set(name, value)
  })
  try {
    parser.write(xml).close()
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
  return servers
}

function refuse(): never {
  throw new SyntaxError('no settings')
}

function isServer(path: readonly string[]): boolean {
  const [root, provider, server] = path
  return (
    path.length === 3 &&
    root === 'clientConfig' &&
    provider === 'emailProvider' &&
    (server === 'incomingServer' || server === 'outgoingServer')
  )
}

const securities: ReadonlyMap<string, DiscoveredServer['security']> = new Map([
  ['SSL', 'tls'],
  ['STARTTLS', 'starttls'],
])

const logins: ReadonlyMap<string, DiscoveredLogin> = new Map([
  ['plain', 'password'],
  ['password-cleartext', 'password'],
  ['password-encrypted', 'password'],
  ['secure', 'password'],
  ['OAuth2', 'oauth2'],
])

function serverOf({ fields, authentications }: Described, question: AutoconfigQuestion): DiscoveredServer | null {
  const security = securities.get(fields.get('socketType') ?? '')
  const host = hostNameOf(filledIn(fields.get('hostname') ?? '', question))
  const portText = fields.get('port') ?? ''
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  const user = filledIn(fields.get('username') ?? '%EMAILADDRESS%', question)
  const known = authentications.flatMap((name) => logins.get(name) ?? [])
  const usable = authentications.length === 0 ? (['password'] as const) : [...new Set(known)]
  if (security === undefined || host === null || port < 1 || port > 65_535 || usable.length === 0) return null
  // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
  if (!/^[^\u0000-\u001f\u007f]{1,500}$/.test(user)) return null
  // It came over https from the domain itself: which host that names is its affair.
  return { host, port, security, user, logins: usable, source: question.source, toConfirm: false }
}

function filledIn(text: string, { address, domain }: AutoconfigQuestion): string {
  const values: Readonly<Record<string, string>> = {
    EMAILADDRESS: address,
    EMAILLOCALPART: address.slice(0, address.lastIndexOf('@')),
    EMAILDOMAIN: domain,
  }
  return text.replaceAll(/%([A-Z]+)%/g, (whole, name: string) => values[name] ?? whole)
}
