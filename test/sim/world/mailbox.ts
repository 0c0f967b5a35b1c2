import {
  type CommandOutcome,
  type Folder,
  type FolderPath,
  type FolderState,
  type MailboxCapabilities,
  type MailboxPort,
  type MailboxSession,
  type MessageId,
  type MessageDetails,
  type MessageIdentity,
  type MessageSegment,
  type MessageStructure,
  type RawMessage,
  type SpecialUse,
  type StoreOutcome,
  type StoreRequest,
  type Uid,
  type UidValidity,
  type Umid,
  WireError,
} from '@everdraft/core'

import { headerOf, simBounces, simFormat, structureOf } from './message-format.ts'
import type { Network } from './network.ts'
import { never, type SimProcess } from './process.ts'
import type { Scheduler } from './scheduler.ts'
import type { SimServer } from './server.ts'
import type { Trace } from './trace.ts'
import { type Command, openWire, type Reply, type Response, type Wire } from './wire.ts'

export interface MailboxParts {
  readonly process: SimProcess
  readonly scheduler: Scheduler
  readonly network: Network
  readonly server: SimServer
  readonly trace: Trace
  readonly nextWire: () => number
  /** Reports may come back into INBOX: it is looked into. */
  readonly readsReports: boolean
}

/** The mailbox port on the embedded server's protocol core: IMAP text, a virtual network, and no sockets. */
export function createMailbox(parts: MailboxParts): MailboxPort {
  const { process, scheduler, network } = parts
  return {
    format: simFormat,
    ...(parts.readsReports ? { bounces: simBounces } : {}),
    connect(_settings, { signal, timeoutMs }) {
      if (process.state !== 'running') return never()
      const { promise, resolve, reject } = Promise.withResolvers<MailboxSession>()
      scheduler.schedule(network.latencyMs(), `process ${process.number} connects`, () => {
        if (process.state !== 'running') return
        if (signal.aborted) reject(new WireError('ABORTED', 'ended'))
        else if (network.refuses()) reject(new WireError('UNREACHABLE', 'no route to the simulated server'))
        else resolve(createSession(openWire({ ...parts, number: parts.nextWire(), timeoutMs, signal })))
      })
      return promise
    },
  }
}

const uses: ReadonlyMap<string, SpecialUse> = new Map([
  ['\\drafts', 'drafts'],
  ['\\sent', 'sent'],
  ['\\trash', 'trash'],
])

/** As RFC 3501 §9 writes a date, `20-Nov-2026`: the days of the server may be those of another zone. */
function dayBefore(at: number): string {
  const [, day, month, year] = new Date(at - 24 * 3_600_000).toUTCString().split(' ')
  return `${day}-${month}-${year}`
}

const identityItems =
  '(UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID X-EVERDRAFT-ID X-EVERDRAFT-BASE X-EVERDRAFT-ANSWERS)])'

/** The same commands as the real adapter sends, for the same calls. */
function createSession(wire: Wire): MailboxSession {
  const has = (name: string): boolean => wire.capabilities.includes(name)
  const capabilities = readCapabilities(wire.capabilities)

  async function mustSucceed(command: Command): Promise<Reply> {
    const reply = await wire.run(command)
    if (reply.status === 'OK') return reply
    throw new WireError('REFUSED', `the simulated server refused: ${reply.text}`)
  }

  async function outcome(command: Command): Promise<CommandOutcome> {
    return outcomeOf(await wire.run(command))
  }

  async function list(pattern: string): Promise<readonly Folder[]> {
    const extended = has('LIST-EXTENDED') && has('SPECIAL-USE')
    const reply = await mustSucceed([`LIST "" ${pattern}${extended ? ' RETURN (SPECIAL-USE)' : ''}`])
    return reply.untagged.flatMap((response) => readFolder(response.text) ?? [])
  }

  async function search(criteria: string): Promise<readonly Uid[]> {
    const reply = await mustSucceed([`UID SEARCH ${criteria}`])
    const lines = reply.untagged.filter(({ text }) => text.startsWith('* SEARCH'))
    const uids = lines.flatMap(({ text }) => text.slice('* SEARCH'.length).trim().split(' ').filter(Boolean))
    return uids.map(Number).toSorted((a, b) => a - b) as Uid[]
  }

  async function identities(set: string): Promise<readonly MessageIdentity[]> {
    const reply = await wire.run([`UID FETCH ${set} ${identityItems}`])
    if (reply.status !== 'OK' && reply.code !== 'EXPUNGEISSUED') {
      throw new WireError('REFUSED', `the simulated server refused FETCH: ${reply.text}`)
    }
    return reply.untagged.flatMap((one) => readIdentity(one) ?? []).toSorted((a, b) => a.uid - b.uid)
  }

  const session: MailboxSession = {
    capabilities,
    serverId: null,
    get alive() {
      return wire.alive
    },
    bytes: () => ({ sent: wire.sentBytes, received: wire.receivedBytes }),
    folders: () => list('*'),
    async createFolder(path, specialUse) {
      const use = capabilities.createSpecialUse ? ` (USE (\\${specialUse === 'drafts' ? 'Drafts' : 'Sent'}))` : ''
      const created = await outcome([`CREATE "${path}"${use}`])
      if (created.kind === 'ok') await wire.run([`SUBSCRIBE "${path}"`])
      return created
    },
    async select(path, mode): Promise<FolderState | null> {
      const reply = await wire.run([`${mode === 'read-only' ? 'EXAMINE' : 'SELECT'} "${path}"`])
      if (reply.status === 'NO') {
        if (reply.code === 'NONEXISTENT' || !(await list(`"${path}"`)).some((one) => one.path === path)) return null
      }
      if (reply.status !== 'OK') throw new WireError('REFUSED', `the simulated server refused SELECT: ${reply.text}`)
      const said = reply.untagged.map((response) => response.text).join('\n')
      const numberOf = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? 0)
      return {
        path,
        uidValidity: numberOf(/\[UIDVALIDITY (\d+)\]/) as UidValidity,
        uidNext: numberOf(/\[UIDNEXT (\d+)\]/) as Uid,
        exists: numberOf(/^\* (\d+) EXISTS/m),
        highestModseq: null,
      }
    },
    async changes(path, mark) {
      const folder = await session.select(path)
      if (folder === null) return null
      const from = mark?.uidValidity === folder.uidValidity ? (mark.uidNext ?? 1) : 1
      const uids = await search('ALL')
      const deleted = await search('DELETED')
      const added = await session.identitiesFrom(Math.min(from, folder.uidNext ?? 1) as Uid)
      return { kind: 'full', folder, uids, deleted, changed: null, added }
    },
    async watch(_paths, { signal }) {
      // The simulated server says nothing by itself: the rounds find everything.
      if (signal.aborted) return
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      await Promise.race([stopped, wire.over])
    },
    uids: () => search('ALL'),
    uidsSince: (at) => search(`SINCE ${dayBefore(at)}`),
    deletedUids: () => search('DELETED'),
    async findByMessageId(messageId) {
      const found = await search(`HEADER Message-ID "${messageId}"`)
      const candidates = found.length === 0 ? [] : await identities(found.join(','))
      return candidates.filter((one) => one.messageId === messageId)
    },
    findByGmailMessageId() {
      throw new TypeError('the simulated server has no X-GM-EXT-1')
    },
    identities: async (uids) => (uids.length === 0 ? [] : await identities(uids.join(','))),
    identitiesFrom: async (from) => (await identities(`${from}:*`)).filter(({ uid }) => uid >= from),
    async details(uids) {
      if (uids.length === 0) return []
      const reply = await mustSucceed([`UID FETCH ${uids.join(',')} (UID FLAGS INTERNALDATE)`])
      return reply.untagged.flatMap((one) => readDetails(one) ?? []).toSorted((a, b) => a.uid - b.uid)
    },
    async structures(uids) {
      const found: MessageStructure[] = []
      for (const { uid, size } of await session.identities(uids)) {
        const pieces: Uint8Array[] = []
        for await (const piece of (await session.fetchRaw(uid)) ?? []) pieces.push(piece)
        if (pieces.length > 0) found.push({ uid, size, body: structureOf(Buffer.concat(pieces).toString('latin1')) })
      }
      return found
    },
    async headerFields(uids, names) {
      if (uids.length === 0) return []
      const reply = await mustSucceed([`UID FETCH ${uids.join(',')} (BODY.PEEK[HEADER.FIELDS (${names.join(' ')})])`])
      return reply.untagged.flatMap(({ text, literals }) => {
        const uid = /\bUID (\d+)/.exec(text)?.[1]
        const [bytes] = literals
        return uid === undefined || bytes === undefined ? [] : [{ uid: Number(uid) as Uid, bytes }]
      })
    },
    async fetchHeader(uid) {
      const reply = await mustSucceed([`UID FETCH ${uid} (BODY.PEEK[HEADER])`])
      return reply.untagged.find(({ text }) => text.includes('BODY[HEADER]'))?.literals[0] ?? null
    },
    async *fetchPart(uid, section, { start = 0, length } = {}) {
      const partial = start === 0 && length === undefined ? '' : `<${start}.${length ?? 4_294_967_295}>`
      const reply = await mustSucceed([`UID FETCH ${uid} (BODY.PEEK[${section}]${partial})`])
      const literal = reply.untagged.find(({ text }) => text.includes(`BODY[${section}]`))?.literals[0]
      if (literal !== undefined) yield* inTwo(literal)
    },
    async fetchRaw(uid) {
      const reply = await wire.run([`UID FETCH ${uid} (BODY.PEEK[])`])
      if (reply.status !== 'OK' && reply.code !== 'EXPUNGEISSUED') {
        throw new WireError('REFUSED', `the simulated server refused FETCH: ${reply.text}`)
      }
      const response = reply.untagged.find(({ text }) => / FETCH \(.*BODY\[\] /.test(text))
      const literal = response?.literals[0]
      return literal === undefined ? null : inTwo(literal)
    },
    async fetchMany(uids) {
      if (uids.length === 0) return []
      const reply = await wire.run([`UID FETCH ${uids.join(',')} BODY.PEEK[]`])
      if (reply.status !== 'OK' && reply.code !== 'EXPUNGEISSUED') {
        throw new WireError('REFUSED', `the simulated server refused FETCH: ${reply.text}`)
      }
      return reply.untagged.flatMap((one) => readRaw(one) ?? []).toSorted((a, b) => a.uid - b.uid)
    },
    append: (request) => store(wire, 'APPEND', request),
    replace: (uid, request) => store(wire, `UID REPLACE ${uid}`, request),
    markDeleted: (uids) => outcome([`UID STORE ${uids.join(',')} +FLAGS.SILENT (\\Deleted)`]),
    expungeUids(uids) {
      if (!capabilities.uidPlus) throw new TypeError('UID EXPUNGE needs UIDPLUS, which this server does not have')
      return outcome([`UID EXPUNGE ${uids.join(',')}`])
    },
    async removeUids(uids) {
      if (!capabilities.uidPlus) throw new TypeError('UID EXPUNGE needs UIDPLUS, which this server does not have')
      const marked = await wire.run([`UID STORE ${uids.join(',')} +FLAGS (\\Deleted)`])
      const expunged = await wire.run([`UID EXPUNGE ${uids.join(',')}`])
      const refused = [marked, expunged].map(outcomeOf).find(({ kind }) => kind === 'refused')
      return refused?.kind === 'refused'
        ? refused
        : { kind: 'ok', told: toldGone([...marked.untagged, ...expunged.untagged], uids) }
    },
    expungeAllDeleted: () => outcome(['EXPUNGE']),
    moveUids() {
      throw new TypeError('the simulated server has no MOVE')
    },
    async partUrls({ folder, uidValidity, uid, sections, server, submitter, expiresAt }) {
      // The embedded server has no GENURLAUTH: what it would answer is known here, and the way there and back is as any other.
      await mustSucceed(['NOOP'])
      const message = `imap://${submitter}@${server}/${folder};UIDVALIDITY=${uidValidity}/;UID=${uid}`
      return { kind: 'urls', urls: sections.map((section) => `${message}/;SECTION=${section};EXPIRE=${expiresAt}`) }
    },
    quotaLeft: async () => null,
    async close() {
      try {
        await wire.run(['LOGOUT'])
      } finally {
        wire.end()
      }
    },
  }
  return session
}

/** RFC 3501 §7.4.1: EXPUNGE tells of numbers, and those behind move up. */
function toldGone(said: readonly Response[], wanted: readonly Uid[]): readonly Uid[] {
  let numbered: readonly { readonly number: number; readonly uid: Uid }[] = []
  const gone: Uid[] = []
  for (const { text } of said) {
    const [, number = '', verb] = /^\* (\d+) (FETCH|EXPUNGE)\b/.exec(text) ?? []
    const at = Number(number)
    const uid = Number(/\bUID (\d+)/.exec(text)?.[1] ?? 0) as Uid
    if (verb === 'FETCH' && wanted.includes(uid)) numbered = [...numbered, { number: at, uid }]
    if (verb !== 'EXPUNGE') continue
    gone.push(...numbered.filter((one) => one.number === at).map((one) => one.uid))
    numbered = numbered
      .filter((one) => one.number !== at)
      .map((one) => (one.number > at ? { ...one, number: one.number - 1 } : one))
  }
  return gone
}

function readDetails({ text }: Response): MessageDetails | null {
  const uid = /\bUID (\d+)/.exec(text)?.[1]
  const date = /INTERNALDATE "([^"]+)"/.exec(text)?.[1]
  if (uid === undefined || date === undefined) return null
  return {
    uid: Number(uid) as Uid,
    flags:
      /FLAGS \(([^)]*)\)/
        .exec(text)?.[1]
        ?.split(' ')
        .filter((flag) => flag !== '') ?? [],
    internalDate: Date.parse(date),
    emailId: null,
    threadId: null,
    gmailMessageId: null,
    gmailLabels: [],
  }
}

async function store(wire: Wire, command: string, request: StoreRequest): Promise<StoreOutcome> {
  const head = `${command} "${request.folder}" (${request.flags.join(' ')}) `
  const reply = await wire.run([head, ...(await messageParts(request.segments))])
  const refusal = outcomeOf(reply)
  if (refusal.kind === 'refused') return refusal
  const said = [`[${reply.code} ${reply.codeArgument}]`, ...reply.untagged.map(({ text }) => text)].join('\n')
  const appended = /\[APPENDUID (\d+) (\d+)\]/.exec(said)
  return {
    kind: 'stored',
    uidValidity: appended ? (Number(appended[1]) as UidValidity) : null,
    uid: appended ? (Number(appended[2]) as Uid) : null,
  }
}

async function messageParts(segments: readonly MessageSegment[]): Promise<Command> {
  const quotes = segments.some((segment) => segment.kind === 'part')
  const command: (string | Uint8Array)[] = quotes ? ['CATENATE ('] : []
  let run: Uint8Array[] = []
  let space = ''
  const endRun = (): void => {
    if (run.length === 0) return
    if (quotes) command.push(`${space}TEXT `)
    command.push(Buffer.concat(run))
    space = ' '
    run = []
  }
  for (const segment of segments) {
    if (segment.kind === 'bytes') run.push(segment.bytes)
    if (segment.kind === 'stream') for await (const piece of segment.open()) run.push(Uint8Array.from(piece))
    if (segment.kind !== 'part') continue
    endRun()
    const { folder, uidValidity, uid, section } = segment
    command.push(`${space}URL "/${folder};UIDVALIDITY=${uidValidity}/;UID=${uid}/;SECTION=${section}"`)
    space = ' '
  }
  endRun()
  return quotes ? [...command, ')'] : command
}

function outcomeOf(reply: Reply): CommandOutcome {
  if (reply.status === 'OK') return { kind: 'ok' }
  return { kind: 'refused', status: reply.status, responseCode: reply.code, text: reply.text }
}

function readFolder(line: string): Folder | null {
  const match = /^\* LIST \(([^)]*)\) (?:"(.)"|NIL) "?([^"]*)"?$/.exec(line)
  if (match === null) return null
  const flags = (match[1] ?? '').toLowerCase().split(' ')
  const path = match[3] as FolderPath
  const use = flags.map((flag) => uses.get(flag)).find((found) => found !== undefined)
  return {
    path,
    delimiter: match[2] ?? null,
    specialUse: path === 'INBOX' ? 'inbox' : (use ?? null),
    selectable: !flags.includes('\\noselect'),
  }
}

function readIdentity({ text, literals }: Response): MessageIdentity | null {
  const uid = /\bUID (\d+)/.exec(text)?.[1]
  const size = /\bRFC822\.SIZE (\d+)/.exec(text)?.[1]
  if (uid === undefined || size === undefined || !text.includes('BODY[')) return null
  const header = literals[0]?.toString('latin1') ?? ''
  const flags = (/FLAGS \(([^)]*)\)/.exec(text)?.[1] ?? '').toLowerCase().split(' ')
  return {
    uid: Number(uid) as Uid,
    messageId: headerOf(header, 'Message-ID') as MessageId | null,
    everdraftId: headerOf(header, 'X-Everdraft-Id') as Umid | null,
    everdraftBase: headerOf(header, 'X-Everdraft-Base') as MessageId | null,
    everdraftAnswers: headerOf(header, 'X-Everdraft-Answers'),
    size: Number(size),
    deleted: flags.includes('\\deleted'),
    draft: flags.includes('\\draft'),
    answered: flags.includes('\\answered'),
  }
}

function readRaw({ text, literals }: Response): RawMessage | null {
  const uid = /\bUID (\d+)/.exec(text)?.[1]
  const bytes = literals[0]
  if (uid === undefined || bytes === undefined || !/ FETCH \(.*BODY\[\] /.test(text)) return null
  return { uid: Number(uid) as Uid, bytes }
}

function readCapabilities(given: readonly string[]): MailboxCapabilities {
  const has = (name: string): boolean => given.includes(name)
  const limit = given.find((name) => name.startsWith('APPENDLIMIT='))?.slice('APPENDLIMIT='.length)
  return {
    uidPlus: has('UIDPLUS'),
    replace: has('REPLACE'),
    catenate: has('CATENATE'),
    binary: false,
    specialUse: has('SPECIAL-USE'),
    createSpecialUse: has('CREATE-SPECIAL-USE'),
    move: has('MOVE'),
    idle: has('IDLE'),
    condstore: false,
    qresync: false,
    esearch: has('ESEARCH'),
    notify: false,
    compress: false,
    objectId: has('OBJECTID'),
    quota: false,
    gmail: false,
    appendLimit: limit === undefined ? null : Number(limit),
  }
}

/** In two pieces, as a message comes in many. */
async function* inTwo(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  const half = Math.floor(bytes.length / 2)
  yield bytes.subarray(0, half)
  yield bytes.subarray(half)
}
