import type { BodyPart, MessageStructure, Uid } from '@everdraft/core'
import type { ImapAttribute } from 'imapflow'

import { parameterName, parameterValue } from '../mime/parameters.ts'
import type { ImapConnection } from './connection.ts'
import { mustSucceed } from './outcome.ts'
import { fetchItems, textOf, type DataResponse } from './response.ts'

/** BODYSTRUCTURE (RFC 3501 §7.4.2) of those that exist, ascending. */
export async function fetchStructures(
  connection: ImapConnection,
  uidSet: string,
): Promise<readonly MessageStructure[]> {
  const found = new Map<Uid, MessageStructure>()
  const completion = await connection.run([`UID FETCH ${uidSet} (RFC822.SIZE BODYSTRUCTURE)`], {
    onData: (response) => {
      const structure = response.keyword === 'FETCH' ? readStructure(response) : null
      if (structure) found.set(structure.uid, structure)
    },
  })
  if (completion.code !== 'EXPUNGEISSUED') mustSucceed(connection, 'FETCH', completion)
  return [...found.values()].toSorted((a, b) => a.uid - b.uid)
}

function readStructure(response: DataResponse): MessageStructure | null {
  const row = fetchItems(response)
  const uid = textOf(row.get('UID'))
  const size = textOf(row.get('RFC822.SIZE'))
  const body = row.get('BODYSTRUCTURE')
  if (uid === null || size === null || !Array.isArray(body)) return null
  return { uid: Number(uid) as Uid, size: Number(size), body: readPart(body, '') }
}

type Attributes = readonly ImapAttribute[]

/** `path` is the number of the part that this is, empty for the whole message and for the body of a message in it. */
function readPart(attributes: Attributes, path: string, within = ''): BodyPart {
  return Array.isArray(attributes[0]) ? readMultipart(attributes, path, within) : readSingle(attributes, path, within)
}

function readMultipart(attributes: Attributes, path: string, within: string): BodyPart {
  const parts: Attributes[] = []
  for (const attribute of attributes) {
    if (!Array.isArray(attribute)) break
    parts.push(attribute)
  }
  const [subtype, parameters, disposition] = attributes.slice(parts.length)
  const prefix = path === '' ? within : `${path}.`
  return {
    // RFC 3501 §6.4.5: a multipart that is the body of a message has no number.
    section: path === '' ? `${within}TEXT` : path,
    contentType: `multipart/${(textOf(subtype) ?? 'mixed').toLowerCase()}`,
    ...describe(parameters, disposition),
    encoding: null,
    size: null,
    contentId: null,
    children: parts.map((part, index) => readPart(part, `${prefix}${index + 1}`)),
  }
}

function readSingle(attributes: Attributes, path: string, within: string): BodyPart {
  const [type, subtype, parameters, contentId, , encoding, size, ...rest] = attributes
  const contentType = `${textOf(type) ?? 'text'}/${textOf(subtype) ?? 'plain'}`.toLowerCase()
  const section = path === '' ? `${within}1` : path
  const isMessage = /^message\/(?:rfc822|global)$/.test(contentType) && Array.isArray(rest[1])
  // Lines of a text; envelope, body and lines of a message. Then the MD5, and only then the disposition.
  const skipped = isMessage ? 3 : contentType.startsWith('text/') ? 1 : 0
  return {
    section,
    contentType,
    ...describe(parameters, rest[skipped + 1]),
    encoding: textOf(encoding)?.toLowerCase() ?? null,
    size: Number(textOf(size) ?? 0),
    contentId: textOf(contentId),
    children: isMessage ? [readPart(rest[1] as Attributes, '', `${section}.`)] : [],
  }
}

function describe(
  parameterList: ImapAttribute | undefined,
  disposition: ImapAttribute | undefined,
): Pick<BodyPart, 'parameters' | 'disposition' | 'filename'> {
  const parameters = readParameters(parameterList)
  const [kind, given] = Array.isArray(disposition) ? (disposition as Attributes) : []
  return {
    parameters,
    disposition: textOf(kind)?.toLowerCase() ?? null,
    filename: readParameters(given)['filename'] ?? parameters['name'] ?? null,
  }
}

function readParameters(list: ImapAttribute | undefined): Readonly<Record<string, string>> {
  if (!Array.isArray(list)) return {}
  const texts = (list as Attributes).map((attribute) => textOf(attribute) ?? '')
  const written: string[] = []
  for (let index = 0; index + 1 < texts.length; index += 2) {
    const value = Buffer.from(texts[index + 1] ?? '').toString('latin1')
    written.push(`${texts[index]}="${value.replace(/["\\]/g, String.raw`\$&`)}"`)
  }
  const structured = { value: '', parameters: written }
  const names = new Set(written.map(parameterName))
  return Object.fromEntries([...names].map((name) => [name, parameterValue(structured, name) ?? '']))
}
