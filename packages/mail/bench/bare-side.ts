import {
  connectRaw,
  createProxy,
  literal,
  type LiteralToSend,
  type RawImap,
  type RunningServer,
} from '@everdraft/testkit'

import { recordLine, type SentCommand } from './recorded-line.ts'

/** The same uploads with the fewest commands that do them: nothing is looked up, checked or found again after a cut. */
export interface BareSide extends AsyncDisposable {
  /** LOGIN, SELECT and an APPEND of the same message. */
  firstSave(like: SentCommand): Promise<Sent>
  /** The same APPEND, UID STORE and UID EXPUNGE. */
  edit(like: SentCommand): Promise<Sent>
}

export interface Sent {
  readonly bytes: number
  readonly commands: readonly SentCommand[]
}

interface Copy {
  readonly uidValidity: number
  readonly uid: number
}

const flags = String.raw`(\Draft \Seen)`

export async function bareSide(server: RunningServer): Promise<BareSide> {
  const proxy = await createProxy({ target: { host: server.host, port: server.imapPort } })
  const line = await recordLine(proxy)
  const user = server.user()
  let mark = proxy.mark()
  let raw: RawImap | null = null
  let copy: Copy | null = null

  function sent(): Sent {
    const { toServer: bytes } = proxy.since(mark)
    mark = proxy.mark()
    return { bytes, commands: line.take() }
  }

  return {
    async firstSave(like) {
      raw = await connectRaw(line)
      await raw.login(user)
      if (server.supports.drafts === null) await raw.ok('CREATE Drafts')
      await raw.select('Drafts')
      copy = copyOf((await raw.ok(`APPEND Drafts ${flags} `, ...whole(like))).code)
      return sent()
    },
    async edit(like) {
      if (raw === null || copy === null) throw new TypeError('there is no first save')
      const { uidValidity, uid } = copy
      const url = `"/Drafts;UIDVALIDITY=${uidValidity}/;UID=${uid}/;SECTION=${sectionOf(like.text) ?? ''}"`
      const reply =
        sectionOf(like.text) === null
          ? await raw.ok(`APPEND Drafts ${flags} `, ...whole(like))
          : await raw.ok(`APPEND Drafts ${flags} CATENATE (`, ...catenated(like.literals, url), ')')
      copy = copyOf(reply.code)
      await raw.ok(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
      await raw.ok(`UID EXPUNGE ${uid}`)
      return sent()
    },
    async [Symbol.asyncDispose]() {
      await raw?.logout()
      await line[Symbol.asyncDispose]()
      await proxy.close()
    },
  }
}

/** With BINARY where the engine used it. */
function whole({ text, literals }: SentCommand): readonly LiteralToSend[] {
  return literals.map((bytes) => literal(bytes, text.includes('~{') ? 'binary' : 'sync'))
}

/** Text, the quoted part, text: a message with one attachment. */
function catenated(texts: readonly Buffer[], url: string): readonly (string | LiteralToSend)[] {
  const [before, after] = texts
  if (before === undefined || after === undefined || texts.length > 2) {
    throw new TypeError(`one attachment lies between two texts, not between ${texts.length}`)
  }
  return ['TEXT ', literal(before, 'non-sync'), ` URL ${url} TEXT `, literal(after, 'non-sync')]
}

function sectionOf(command: string): string | null {
  return /;SECTION=([\d.]+)"/.exec(command)?.[1] ?? null
}

function copyOf(code: string): Copy {
  const appended = /^APPENDUID (\d+) (\d+)$/i.exec(code)
  if (!appended) throw new Error(`no APPENDUID, but "${code}"`)
  return { uidValidity: Number(appended[1]), uid: Number(appended[2]) }
}
