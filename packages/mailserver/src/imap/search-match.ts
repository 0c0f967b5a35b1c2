import {
  decodeBase64,
  decodeCharset,
  decodeHeaderText,
  decodeQuotedPrintable,
  fieldValue,
  type HeaderField,
} from '../mime/headers.ts'
import { parameter } from '../mime/parameters.ts'
import { structureOf, type MimePart } from '../mime/part.ts'
import { byteString, fromByteString } from '../octets.ts'
import { hasFlag } from '../store/message.ts'
import { dayOfDateHeader } from './format.ts'
import { gmailMessageId } from './gmail.ts'
import { emailId } from './object-id.ts'
import type { SearchKey } from './search-program.ts'
import { inSequenceSet } from './sequence-set.ts'
import type { View, ViewEntry } from './view.ts'

type Test = (entry: ViewEntry, sequence: number) => boolean

const MS_PER_DAY = 86_400_000

const contains = (haystack: string, needle: string): boolean => haystack.toLowerCase().includes(needle.toLowerCase())

const related = (day: number, relation: 'before' | 'on' | 'since', bound: number): boolean =>
  relation === 'before' ? day < bound : relation === 'on' ? day === bound : day >= bound

const headersContain = (fields: readonly HeaderField[], text: string): boolean =>
  fields.some(({ name, value }) => contains(`${name}: ${decodeHeaderText(value)}`, text))

/** Text as a person would read it: transfer encoding and charset undone. */
function decodedText(bytes: Uint8Array, part: MimePart): string {
  const raw = byteString(bytes.subarray(part.bodyStart, part.end))
  const encoding = fieldValue(part.fields, 'content-transfer-encoding')?.trim().toLowerCase()
  const octets =
    encoding === 'base64' ? decodeBase64(raw) : encoding === 'quoted-printable' ? decodeQuotedPrintable(raw) : raw
  return decodeCharset(fromByteString(octets), parameter(part.contentType, 'charset') ?? 'utf-8')
}

/** Attachments that are no text are not searched, as on Dovecot and Cyrus. */
function bodyContains(bytes: Uint8Array, part: MimePart, text: string): boolean {
  switch (part.content.kind) {
    case 'multipart':
      return part.content.parts.some((each) => headersContain(each.fields, text) || bodyContains(bytes, each, text))
    case 'message': {
      const { message } = part.content
      return headersContain(message.fields, text) || bodyContains(bytes, message, text)
    }
    case 'leaf':
      return part.type === 'text' && contains(decodedText(bytes, part), text)
  }
}

/** A test for the messages of one view, made once per search. */
export function matchesSearch(key: SearchKey, view: View): Test {
  switch (key.kind) {
    case 'all':
      return () => true
    case 'recent':
      return ({ uid }) => view.isRecent(uid)
    case 'new':
      return ({ uid, message }) => view.isRecent(uid) && !hasFlag(message, '\\Seen')
    case 'old':
      return ({ uid }) => !view.isRecent(uid)
    case 'flag':
      return ({ uid, message }) => hasFlag(view.mailbox.get(uid) ?? message, key.flag) === key.set
    case 'and': {
      const tests = key.keys.map((each) => matchesSearch(each, view))
      return (entry, sequence) => tests.every((test) => test(entry, sequence))
    }
    case 'or': {
      const left = matchesSearch(key.left, view)
      const right = matchesSearch(key.right, view)
      return (entry, sequence) => left(entry, sequence) || right(entry, sequence)
    }
    case 'not': {
      const test = matchesSearch(key.key, view)
      return (entry, sequence) => !test(entry, sequence)
    }
    case 'sequence': {
      const inSet = inSequenceSet(key.set, view.count)
      return (_, sequence) => inSet(sequence)
    }
    case 'uid': {
      const inSet = inSequenceSet(key.set, view.at(view.count)?.uid ?? 0)
      return ({ uid }) => inSet(uid)
    }
    case 'larger':
      return ({ message }) => message.bytes.length > key.sizeBytes
    case 'smaller':
      return ({ message }) => message.bytes.length < key.sizeBytes
    case 'modseq':
      return ({ uid, message }) => (view.mailbox.get(uid) ?? message).modseq >= key.modseq
    case 'emailid':
      return ({ message }) => emailId(message) === key.id
    case 'gmail-message':
      return ({ message }) => gmailMessageId(message) === key.id
    case 'threadid':
      return () => false
    case 'received':
      return ({ message }) => related(Math.floor(message.internalDateMs / MS_PER_DAY), key.relation, key.day)
    case 'sent':
      return ({ message }) => {
        const date = fieldValue(structureOf(message.bytes).fields, 'date')
        // Without a date a message is older than any, as on Dovecot and Cyrus.
        const day = (date === undefined ? undefined : dayOfDateHeader(date)) ?? 0
        return related(day, key.relation, key.day)
      }
    case 'header': {
      const name = key.name.toLowerCase()
      // A substring match by RFC 3501; the empty text finds every message that has the field.
      return ({ message }) =>
        structureOf(message.bytes).fields.some(
          (field) => field.name.toLowerCase() === name && contains(decodeHeaderText(field.value), key.text),
        )
    }
    case 'body':
      return ({ message }) => bodyContains(message.bytes, structureOf(message.bytes), key.text)
    case 'text':
      return ({ message }) => {
        const structure = structureOf(message.bytes)
        return headersContain(structure.fields, key.text) || bodyContains(message.bytes, structure, key.text)
      }
  }
}
