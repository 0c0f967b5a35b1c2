import { inOnePiece } from '../../storage/chunks.ts'
import type { MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { BodyPart } from '../../wire/body-structure.ts'
import type { ParsedMessage } from '../../wire/message-format.ts'
import type { ExecuteContext } from '../task.ts'

/** A text that is longer waits for the rest of its message. */
const longestText = 256 * 1024

/**
 * What a large message says, without its attachments: its header, and the first plain and HTML text; `longer` says what becomes
 * of a text of more than 256 KiB. Null: it went, or its structure does not tell where the text is.
 */
export async function readTextOnly(
  context: ExecuteContext,
  session: MailboxSession,
  { uid }: Pick<MessageIdentity, 'uid'>,
  longer: 'left-out' | 'cut' = 'left-out',
): Promise<ParsedMessage | null> {
  const [structure] = await session.structures([uid])
  const header = await session.fetchHeader(uid)
  if (structure === undefined || header === null) return null
  const leaves = [...leavesOf(structure.body)]
  const text = leaves.find((leaf) => isText(leaf, 'text/plain', longer))
  const html = leaves.find((leaf) => isText(leaf, 'text/html', longer))
  const parse = (raw: AsyncIterable<Uint8Array>): Promise<ParsedMessage> =>
    context.format.parse(raw, context.environment.createSha256)
  const readPart = async (leaf: BodyPart | undefined): Promise<ParsedMessage | null> =>
    leaf === undefined
      ? null
      : await parse(asMessage(leaf, session.fetchPart(uid, leaf.section, { length: longestText })))
  const fields = await parse(inOnePiece(header))
  const plain = await readPart(text)
  const rich = await readPart(html)
  return {
    ...fields,
    text: plain?.text ?? '',
    html: rich?.html ?? null,
    attachments: [],
    protection: null,
    unmodelled: null,
  }
}

/** Not into messages that are attached: their text is theirs. */
function* leavesOf(part: BodyPart): Generator<BodyPart> {
  if (!part.contentType.startsWith('multipart/')) yield part
  else for (const child of part.children) yield* leavesOf(child)
}

function isText(part: BodyPart, contentType: string, longer: 'left-out' | 'cut'): boolean {
  const isShort = longer === 'cut' || (part.size ?? 0) <= longestText
  return part.contentType === contentType && part.disposition !== 'attachment' && isShort
}

/** A part as a message of its own, so that it is decoded as every text is. */
async function* asMessage(
  part: BodyPart,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const parameters = Object.entries(part.parameters).map(
    ([name, value]) => `; ${name}="${value.replaceAll(/[\\"]/g, '\\$&')}"`,
  )
  const fields = [
    `Content-Type: ${part.contentType}${parameters.join('')}`,
    `Content-Transfer-Encoding: ${part.encoding ?? '7bit'}`,
  ]
  yield new TextEncoder().encode(`${fields.join('\r\n')}\r\n\r\n`)
  yield* body
}
