import type { FolderPath, MailboxSession, StoreRequest, Uid } from '@everdraft/core'
import { afterEach, describe, expect, test } from 'vitest'

import { startScripted, type ScriptedServer } from './scripted-server.ts'

const drafts = 'Drafts' as FolderPath
let server: ScriptedServer

afterEach(() => server.close())

const state = (exists: number, uidNext: number): string =>
  `* ${exists} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT ${uidNext}] ok\r\n`

const message = (folder: string): StoreRequest => ({
  folder: folder as FolderPath,
  flags: [],
  segments: [{ kind: 'bytes', bytes: Buffer.from('x') }],
})

const append = (session: MailboxSession): unknown => session.append(message('Drafts'))
const replace = (session: MailboxSession): unknown => session.replace(4 as Uid, message('Drafts'))
const remove = (session: MailboxSession): unknown => session.removeUids([4 as Uid])
const select = (session: MailboxSession): unknown => session.select(drafts)
const marked = '* 2 FETCH (UID 4 FLAGS (\\Deleted))\r\n'

/** Of a folder with three messages and UIDNEXT 6: what the server says to what the session does, and how it ends it. */
const cases: readonly {
  readonly title: string
  readonly act: (session: MailboxSession) => unknown
  readonly says: string
  readonly ends?: string
  readonly isNews: boolean
}[] = [
  {
    title: 'a copy under the UID that was next',
    act: append,
    says: '* 4 EXISTS\r\n',
    ends: 'APPENDUID 7 6',
    isNews: false,
  },
  { title: 'one more than that', act: append, says: '* 5 EXISTS\r\n', ends: 'APPENDUID 7 6', isNews: true },
  { title: 'one under a later UID', act: append, says: '* 4 EXISTS\r\n', ends: 'APPENDUID 7 7', isNews: true },
  { title: 'one under nobody knows which', act: append, says: '* 4 EXISTS\r\n', isNews: true },
  {
    title: 'one in another folder',
    act: (session) => session.append(message('Sent')),
    says: '',
    ends: 'APPENDUID 9 6',
    isNews: false,
  },
  {
    title: 'one there, while one came here',
    act: (session) => session.append(message('Sent')),
    says: '* 4 EXISTS\r\n',
    ends: 'APPENDUID 9 6',
    isNews: true,
  },
  { title: 'one of which the server tells later', act: append, says: '', ends: 'APPENDUID 7 6', isNews: false },
  {
    title: 'REPLACE, as Dovecot tells it',
    act: replace,
    says: '* OK [APPENDUID 7 6] ok\r\n* 2 EXPUNGE\r\n* 3 EXISTS\r\n',
    isNews: false,
  },
  {
    title: 'REPLACE, as Cyrus tells it',
    act: replace,
    says: '* OK [APPENDUID 7 6] ok\r\n* 4 EXISTS\r\n* 2 EXPUNGE\r\n',
    isNews: false,
  },
  {
    title: 'REPLACE, while another message went',
    act: replace,
    says: '* OK [APPENDUID 7 6] ok\r\n* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n* 2 EXISTS\r\n',
    isNews: true,
  },
  { title: 'a removal', act: remove, says: `* 2 EXPUNGE\r\n`, isNews: false },
  { title: 'a removal by UID', act: remove, says: '* VANISHED 4\r\n', isNews: false },
  {
    title: 'a removal, while another message went',
    act: remove,
    says: `* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n`,
    isNews: true,
  },
  { title: 'a SELECT that finds what was left', act: select, says: state(3, 6), isNews: false },
  { title: 'a SELECT that finds one more', act: select, says: state(4, 7), isNews: true },
  { title: 'a SELECT that finds another one in the place of one', act: select, says: state(3, 7), isNews: true },
]

describe('what others did is told, and what this session did is not:', () => {
  test.for(cases)('$title (news: $isNews)', async ({ act, says, ends, isNews }) => {
    let acts = false
    const idling = Promise.withResolvers<void>()
    server = await startScripted(
      (line, { write, answer, skipLiteral }) => {
        if (line === 'IDLE') {
          idling.resolve()
          write('+ idling\r\n')
          return
        }
        const size = /\{(\d+)\}$/.exec(line)?.[1]
        if (size !== undefined) {
          skipLiteral(Number(size))
          write('+ go on\r\n')
          return
        }
        if (!acts && line.startsWith('SELECT')) write(state(3, 6))
        // The end of a literal is a line of nothing.
        if (acts && /^(?:|UID EXPUNGE .*|SELECT .*)$/.test(line)) write(says)
        else if (acts && line.startsWith('UID STORE')) write(marked)
        answer(acts && line === '' && ends !== undefined ? `OK [${ends}] done` : 'OK done')
      },
      { capabilities: 'IMAP4rev1 UIDPLUS IDLE REPLACE' },
    )
    const session = await server.connect()
    await session.changes(drafts, null)
    const told: FolderPath[] = []
    const ending = new AbortController()
    const watching = session.watch([drafts], { signal: ending.signal, onChange: (path) => void told.push(path) })
    watching.catch(() => {})
    await idling.promise
    // That of the beginning.
    expect(told).toEqual([drafts])
    acts = true
    await act(session)
    await new Promise(setImmediate)
    expect(told).toHaveLength(isNews ? 2 : 1)
    ending.abort()
    await watching
  })
})
