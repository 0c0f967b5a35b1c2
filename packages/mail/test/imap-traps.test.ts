import {
  WireError,
  type FolderPath,
  type MailboxSession,
  type MessageId,
  type StoreOutcome,
  type Uid,
} from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { afterEach, describe, expect, test } from 'vitest'

import { startScripted, type Script, type ScriptedServer, type ScriptedServerOptions } from './scripted-server.ts'

const drafts = 'Drafts' as FolderPath
let server: ScriptedServer

afterEach(() => server.close())

async function connected(
  script: Script,
  options: ScriptedServerOptions & { readonly timeoutMs?: number } = {},
): Promise<MailboxSession> {
  server = await startScripted(script, options)
  return server.connect(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs })
}

async function store(session: MailboxSession, size: number, pieceSize = 65_536): Promise<StoreOutcome> {
  const open = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for (let given = 0; given < size; given += pieceSize) yield Buffer.alloc(Math.min(pieceSize, size - given), 'x')
  }
  return session.append({
    folder: drafts,
    flags: ['\\Draft'],
    internalDate: 0,
    segments: [{ kind: 'stream', size, open }],
  })
}

async function failure(promise: Promise<unknown>): Promise<WireError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof WireError)) throw new Error('It failed with something else', { cause: error })
  return error
}

async function* slowly(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.alloc(10)
  await new Promise((resolve) => setTimeout(resolve, 400))
  yield Buffer.alloc(10)
}

describe('a literal', () => {
  test('that is answered with an untagged BAD instead of a plus is refused, and the session goes on (hazard 5)', async () => {
    const session = await connected((line, { write, answer }) => {
      if (line.startsWith('APPEND')) write('* BAD message is too large\r\n')
      else answer('OK done')
    })
    expect(await store(session, 10_000_000)).toEqual({
      kind: 'refused',
      status: 'BAD',
      responseCode: null,
      text: 'message is too large',
    })
    expect(server.received).not.toContain('xxxx')
    expect(session.alive).toBe(true)
    expect(await session.uids()).toEqual([])
  })

  test('that is refused late, after an untagged BAD, takes no later answer for that of another command', async () => {
    const session = await connected((line, { write, answer }) => {
      if (line.startsWith('APPEND')) {
        write('* BAD too large\r\n')
        answer('NO [TOOBIG] too large')
      } else if (line.startsWith('UID SEARCH')) {
        write('* SEARCH 7\r\n')
        answer('OK done')
      }
    })
    expect(await store(session, 10_000)).toMatchObject({ kind: 'refused' })
    expect(await session.uids()).toEqual([7])
  })

  test('that is refused with NO and a code before a byte of it is sent says so', async () => {
    const session = await connected((line, { answer }) =>
      answer(line.startsWith('APPEND') ? 'NO [overquota] no room' : 'OK done'),
    )
    expect(await store(session, 10_000_000)).toEqual({
      kind: 'refused',
      status: 'NO',
      responseCode: 'OVERQUOTA',
      text: 'no room',
    })
    expect(session.alive).toBe(true)
  })

  test('that is refused in the middle is not sent on, and the session ends, as the rest would be read as commands', async () => {
    const session = await connected((line, connection) => {
      if (!line.startsWith('APPEND')) return
      connection.write('+ go on\r\n')
      connection.skipLiteral(100_000_000)
      connection.socket.once('data', () => connection.answer('NO [TOOBIG] that is enough'))
    })
    expect(await store(session, 100_000_000)).toMatchObject({ kind: 'refused', responseCode: 'TOOBIG' })
    expect(session.alive).toBe(false)
    expect(server.received.length).toBeLessThan(50_000_000)
  })

  test('that was sent whole and gets only an untagged BAD is refused, not awaited for ever', async () => {
    const session = await connected((line, connection) => {
      if (!line.startsWith('APPEND')) return
      connection.write('+ go on\r\n')
      connection.skipLiteral(10_000)
      connection.socket.once('data', () => connection.write('* BAD cannot store this\r\n'))
    })
    expect(await store(session, 10_000)).toMatchObject({ kind: 'refused', status: 'BAD', text: 'cannot store this' })
    expect(session.alive).toBe(false)
  })

  test.each([
    { capability: 'LITERAL+', size: 4096, sent: '{4096+}' },
    { capability: 'LITERAL-', size: 4096, sent: '{4096+}' },
    { capability: 'LITERAL-', size: 4097, sent: '{4097}' },
    { capability: 'IDLE', size: 1, sent: '{1}' },
  ])('of $size bytes goes as $sent with $capability', async ({ capability, size, sent }) => {
    const session = await connected(
      (line, connection) => {
        if (line.startsWith('APPEND')) {
          connection.skipLiteral(size)
          if (!line.endsWith('+}')) connection.write('+ go on\r\n')
        } else connection.answer('OK [APPENDUID 3 4] stored')
      },
      { capabilities: `IMAP4rev1 UIDPLUS ${capability}` },
    )
    expect(await store(session, size)).toEqual({ kind: 'stored', uidValidity: 3, uid: 4 })
    expect(server.received).toContain(`${sent}\r\nx`)
  })

  test('whose server stops reading counts as lost after the time-out, and the source is asked for no more', async () => {
    const session = await connected(
      (line, connection) => {
        if (!line.startsWith('APPEND')) return
        connection.write('+ go on\r\n')
        connection.socket.pause()
      },
      { timeoutMs: 300 },
    )
    let given = 0
    const open = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for (; given < 2000; given += 1) yield Buffer.alloc(65_536)
    }
    const segments = [{ kind: 'stream' as const, size: 2000 * 65_536, open }]
    const lost = await failure(session.append({ folder: drafts, flags: [], internalDate: 0, segments }))
    expect(lost.code).toBe('TIMEOUT')
    expect(given).toBeLessThan(1000)
    expect(session.alive).toBe(false)
  })

  test('whose source is slow does not count as silence of the server', async () => {
    const session = await connected(
      (line, connection) => {
        if (line.startsWith('APPEND')) {
          connection.skipLiteral(20)
          connection.write('+ go on\r\n')
        } else connection.answer('OK stored')
      },
      { timeoutMs: 100 },
    )
    const outcome = await session.append({
      folder: drafts,
      flags: [],
      internalDate: 0,
      segments: [{ kind: 'stream', size: 20, open: slowly }],
    })
    expect(outcome).toEqual({ kind: 'stored', uidValidity: null, uid: null })
  })
})

describe('a server that is silent or says strange things', () => {
  test('is lost after the time-out, and every later call fails the same way', async () => {
    const session = await connected(() => {}, { timeoutMs: 150 })
    const waiting = [session.uids(), session.folders()]
    const codes = await Promise.all(waiting.map(async (call) => (await failure(call)).code))
    expect(codes).toEqual(['TIMEOUT', 'TIMEOUT'])
    expect((await failure(session.uids())).message).toBe(`127.0.0.1:${server.settings.port} did not answer for 1 s`)
    expect(session.alive).toBe(false)
  })

  test('may say BYE at any time: the connection is lost', async () => {
    const session = await connected((_line, { write }) => write('* BYE going down\r\n'))
    expect((await failure(session.uids())).code).toBe('CONNECTION_LOST')
  })

  test('may send junk, blank lines and answers to commands that nobody gave', async () => {
    const session = await connected((_line, { write, answer }) => {
      write(
        '\r\n* )) ((\r\nE99 OK never asked\r\n+ what?\r\n* OK still here {5}\r\n* SEARCH 3 1\r\n* SEARCH 2\r\n* 4 EXISTS\r\n',
      )
      answer('OK done')
    })
    expect(await session.uids()).toEqual([1, 2, 3])
  })

  test('refuses a command that must work: REFUSED, and the session lives on', async () => {
    const session = await connected((line, { answer }) =>
      answer(line.startsWith('UID SEARCH ALL') ? 'NO [INUSE] busy' : 'OK done'),
    )
    const refused = await failure(session.uids())
    expect(refused).toMatchObject({
      code: 'REFUSED',
      message: `127.0.0.1:${server.settings.port} refused SEARCH: busy`,
    })
    expect(await session.deletedUids()).toEqual([])
  })
})

describe('what servers call by other names', () => {
  test('special uses in lower case, names as literals and folders that are listed for their children', async () => {
    const session = await connected((_line, { write, answer }) => {
      write('* LIST (\\HasNoChildren \\drafts) "." {6}\r\nBrouil\r\n* LIST (\\NonExistent) "." "gone"\r\n')
      write(
        '* LIST (\\Noselect) "." "parent"\r\n* LIST () NIL inbox\r\n* LIST (\\Sent) "." "Gesendete &ANw-bersicht"\r\n',
      )
      answer('OK done')
    })
    expect(await session.folders()).toEqual([
      { path: 'Brouil', delimiter: '.', specialUse: 'drafts', selectable: true },
      { path: 'parent', delimiter: '.', specialUse: null, selectable: false },
      { path: 'INBOX', delimiter: null, specialUse: 'inbox', selectable: true },
      { path: 'Gesendete Übersicht', delimiter: '.', specialUse: 'sent', selectable: true },
    ])
  })

  test('a folder whose name is no modified UTF-7 is sent back as it came', async () => {
    const session = await connected((line, { write, answer }) => {
      if (line.startsWith('LIST')) write('* LIST () "/" "A & B"\r\n')
      else write('* OK [UIDVALIDITY 9] valid\r\n')
      answer('OK done')
    })
    const [folder] = await session.folders()
    expect(await session.select(folder?.path as FolderPath)).toMatchObject({
      path: 'A & B',
      uidValidity: 9,
      uidNext: null,
    })
    expect(server.received).toContain('SELECT "A & B"')
  })

  test.each([
    { capability: 'APPENDLIMIT=9223372036854775807', appendLimit: null },
    { capability: 'APPENDLIMIT', appendLimit: null },
    { capability: 'APPENDLIMIT=35651584', appendLimit: 35_651_584 },
  ])('$capability is a limit of $appendLimit', async ({ capability, appendLimit }) => {
    const session = await connected(() => {}, { capabilities: `IMAP4rev1 ${capability}` })
    expect(session.capabilities.appendLimit).toBe(appendLimit)
  })

  test('a CREATE whose USE is refused makes the folder without it', async () => {
    const session = await connected(
      (line, { answer }) => answer(line.includes('USE (') ? 'NO [USEATTR] not here' : 'OK done'),
      { capabilities: 'IMAP4rev1 SPECIAL-USE CREATE-SPECIAL-USE' },
    )
    expect(await session.createFolder(drafts, 'drafts')).toEqual({ kind: 'ok' })
    expect(server.received).toMatch(
      /CREATE "Drafts" \(USE \(\\Drafts\)\)\r\n.*CREATE "Drafts"\r\n.*SUBSCRIBE "Drafts"\r\n/s,
    )
  })

  test('APPENDUID comes with the tagged OK or before it', async () => {
    const session = await connected(
      (line, connection) => {
        if (line.startsWith('UID REPLACE')) {
          connection.skipLiteral(1)
          connection.write('+ go on\r\n')
        } else {
          connection.write('* OK [APPENDUID 38505 3955] Replacement Message ready\r\n* 5 EXISTS\r\n* 4 EXPUNGE\r\n')
          connection.answer('OK Replace completed')
        }
      },
      { capabilities: 'IMAP4rev1 UIDPLUS REPLACE' },
    )
    const segments = [{ kind: 'bytes' as const, bytes: Buffer.from('x') }]
    const outcome = await session.replace(4 as Uid, { folder: drafts, flags: ['\\Draft'], internalDate: 0, segments })
    expect(outcome).toEqual({ kind: 'stored', uidValidity: 38_505, uid: 3955 })
    expect(server.received).toContain('UID REPLACE 4 "Drafts" (\\Draft) "01-Jan-1970 00:00:00 +0000" {1}\r\nx')
  })

  test('a BADURL is named, whatever its URL holds', async () => {
    const session = await connected(
      (_line, { answer }) => answer('NO [BADURL "/a]b;UIDVALIDITY=1/;UID=2"] no such part'),
      {
        capabilities: 'IMAP4rev1 CATENATE',
      },
    )
    const part = {
      kind: 'part' as const,
      folder: 'Büro/a b' as FolderPath,
      uidValidity: 1 as never,
      uid: 2 as Uid,
      section: '1.2',
      size: 1,
    }
    const outcome = await session.append({ folder: drafts, flags: [], internalDate: 0, segments: [part] })
    expect(outcome).toEqual({ kind: 'refused', status: 'NO', responseCode: 'BADURL', text: 'no such part' })
    expect(server.received).toContain('CATENATE (URL "/B%C3%BCro/a%20b;UIDVALIDITY=1/;UID=2/;SECTION=1.2")')
  })

  test('a UID EXPUNGE that is refused is a refusal, and no EXPUNGE follows it (hazard 6)', async () => {
    const session = await connected((_line, { answer }) => answer('NO not today'))
    expect(await session.expungeUids([1 as Uid, 2 as Uid, 3 as Uid, 7 as Uid])).toMatchObject({
      kind: 'refused',
      status: 'NO',
    })
    expect(server.received).toContain('UID EXPUNGE 1:3,7\r\n')
    expect(server.received).not.toMatch(/^\w+ EXPUNGE/m)
  })
})

describe('reading a message', () => {
  test('that comes as a quoted string, as an empty literal or not at all', async () => {
    const session = await connected((line, { write, answer }) => {
      if (line.startsWith('UID FETCH 1 ')) write('* 1 FETCH (FLAGS ())\r\n* 1 FETCH (UID 1 BODY[] "short")\r\n')
      if (line.startsWith('UID FETCH 2 ')) write('* 2 FETCH (BODY[] {0}\r\n UID 2)\r\n')
      if (line.startsWith('UID FETCH 3 ')) write('* 3 FETCH (UID 3 BODY[] NIL)\r\n')
      answer(line.startsWith('UID FETCH 4 ') ? 'NO [EXPUNGEISSUED] gone' : 'OK done')
    })
    const read = async (uid: number): Promise<string | null> => {
      const stream = await session.fetchRaw(uid as Uid)
      if (stream === null) return null
      let text = ''
      for await (const piece of stream) text += Buffer.from(piece).toString()
      return text
    }
    expect([await read(1), await read(2), await read(3), await read(4)]).toEqual(['short', '', null, null])
  })

  test('that nobody reads to its end is thrown away when the next command begins', async () => {
    const session = await connected((line, { write, answer }) => {
      if (line.startsWith('UID FETCH')) write(`* 1 FETCH (UID 1 BODY[] {3000000}\r\n${'y'.repeat(3_000_000)})\r\n`)
      else write('* SEARCH 1\r\n')
      answer('OK done')
    })
    const unread = await session.fetchRaw(1 as Uid)
    expect(await session.uids()).toEqual([1])
    const late = (async (): Promise<void> => {
      for await (const piece of unread ?? []) expect(piece).toBeDefined()
    })()
    await expect(late).rejects.toThrow('not read to its end')

    for await (const piece of (await session.fetchRaw(1 as Uid)) ?? []) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    expect(await session.uids()).toEqual([1])
  })

  test('slowly does not count as silence of the server, and holds the line instead of the message', async () => {
    const session = await connected(
      (_line, { write, answer }) => {
        write(`* 1 FETCH (UID 1 BODY[] {20000000}\r\n${'y'.repeat(20_000_000)})\r\n`)
        answer('OK done')
      },
      { timeoutMs: 500 },
    )
    let size = 0
    let receivedEarly = 0
    for await (const piece of (await session.fetchRaw(1 as Uid)) ?? []) {
      if (size === 0) {
        await new Promise((resolve) => setTimeout(resolve, 1200))
        receivedEarly = session.bytes().received
      }
      size += piece.length
    }
    expect(receivedEarly).toBeLessThan(1_000_000)
    expect(size).toBe(20_000_000)
  })

  test('that breaks off in the middle of a literal throws', async () => {
    const session = await connected((_line, { write, socket }) => {
      write('* 1 FETCH (UID 1 BODY[] {100}\r\nhalf')
      socket.end()
    })
    const reading = (async (): Promise<void> => {
      for await (const piece of (await session.fetchRaw(1 as Uid)) ?? []) expect(piece).toBeDefined()
    })()
    expect((await failure(reading)).code).toBe('CONNECTION_LOST')
  })

  test('by a Message-ID with characters beyond ASCII asks for it in a literal', async () => {
    const session = await connected((line, connection) => {
      if (line.startsWith('UID SEARCH')) {
        connection.skipLiteral(6)
        connection.write('+ go on\r\n')
      } else connection.answer('OK done')
    })
    expect(await session.findByMessageId('<ä@b>' as MessageId)).toEqual([])
    expect(Buffer.from(server.received, 'latin1').toString()).toContain('UID SEARCH HEADER Message-ID {6}\r\n<ä@b>\r\n')
  })
})

describe('logging in', () => {
  test.each([
    {
      login: 'NO [AUTHENTICATIONFAILED] bad secret for ann',
      code: 'AUTH_FAILED',
      says: 'refused the user name or password',
    },
    { login: 'NO no', code: 'AUTH_FAILED', says: 'refused the user name or password' },
    { login: 'NO [UNAVAILABLE] try later', code: 'REFUSED', says: 'cannot log anyone in at the moment' },
  ])('that is answered with $login fails with $code', async ({ login, code, says }) => {
    server = await startScripted(() => {}, { login })
    const failed = await failure(server.connect())
    expect(failed.code).toBe(code)
    expect(failed.message).toContain(says)
    expect(JSON.stringify([failed, failed.message, failed.cause])).not.toContain('secret')
  })
})

describe('TLS', () => {
  test.each(['tls', 'starttls'] as const)(
    'with %s needs a trusted certificate, unless that is waived',
    async (security) => {
      server = await startScripted((_line, { answer }) => answer('OK done'), {
        security,
        capabilities: 'IMAP4rev1 STARTTLS',
      })
      const refused = await failure(server.connect())
      expect(refused.code).toBe('CERTIFICATE')
      expect(refused.message).toBe(
        `127.0.0.1:${server.settings.port} does not present a trusted certificate (self-signed certificate)`,
      )
      server.close()
      const waived = { security, allowUntrusted: true, capabilities: 'IMAP4rev1 STARTTLS' }
      const session = await connected((_line, { write, answer }) => {
        write('* SEARCH 5\r\n')
        answer('OK done')
      }, waived)
      expect(await session.uids()).toEqual([5])
      // The password went over the encrypted line only, and its bytes are counted.
      expect(session.bytes().sent).toBeGreaterThan(server.received.length)
      await session.close()
    },
  )

  test('to a port that speaks without is a refusal that says so', async () => {
    server = await startScripted(() => {})
    const plain = { ...server.settings, security: 'tls' as const }
    const refused = await failure(imap().connect(plain, { signal: new AbortController().signal, timeoutMs: 2000 }))
    expect(refused.code).toBe('REFUSED')
    expect(refused.message).toContain('TLS')
  })
})
