import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'

import {
  isInUidSet,
  type FolderMark,
  type FolderPath,
  type MailboxSession,
  type Uid,
  type UidValidity,
  type WatchOptions,
} from '@everdraft/core'
import { afterEach, describe, expect, test } from 'vitest'

import { startScripted, type Script, type ScriptedServer, type ScriptedServerOptions } from './scripted-server.ts'

const drafts = 'Drafts' as FolderPath
const sent = 'Sent' as FolderPath
const mark: FolderMark = { uidValidity: 7 as UidValidity, uidNext: 5 as Uid, highestModseq: '100' }
const qresync = 'IMAP4rev1 ENABLE CONDSTORE QRESYNC ESEARCH'
let server: ScriptedServer

afterEach(() => server.close())

async function connected(script: Script, options: ScriptedServerOptions = {}): Promise<MailboxSession> {
  server = await startScripted(script, options)
  return server.connect()
}

/** Hears whole rounds: only when `count` lines are here does it answer. */
function rounds(count: number, answer: (lines: readonly Heard[], write: (text: string) => void) => void): Script {
  let heard: Heard[] = []
  return (line, { tag, write }) => {
    heard.push({ tag, line })
    if (heard.length < count) return
    const lines = heard
    heard = []
    answer(lines, write)
  }
}

interface Heard {
  readonly tag: string
  readonly line: string
}

const state = (modseq: string): string =>
  `* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 6] ok\r\n* OK [${modseq}] ok\r\n`
const identity = '* 3 FETCH (UID 5 FLAGS () RFC822.SIZE 9 BODY[HEADER.FIELDS (X)] "Message-ID: <5@x>")\r\n'

describe('changes', () => {
  test('are asked for in one go with QRESYNC, before the server has said a word', async () => {
    const session = await connected(
      rounds(3, (lines, write) => {
        for (const { tag, line } of lines) {
          if (line.startsWith('SELECT')) {
            write(`${state('HIGHESTMODSEQ 120')}* VANISHED (EARLIER) 1,3:4294967290\r\n`)
            write('* 1 FETCH (UID 2 FLAGS (\\Seen $Forwarded) MODSEQ (119))\r\n')
          }
          if (line.startsWith('UID FETCH')) write(identity)
          write(`${tag} OK done\r\n`)
        }
      }),
      { capabilities: qresync },
    )
    const changes = await session.changes(drafts, mark)
    expect(changes).toMatchObject({
      kind: 'delta',
      folder: { path: drafts, uidNext: 6, exists: 3, highestModseq: '120' },
      changed: [{ uid: 2, flags: ['\\seen', '$forwarded'] }],
      added: [{ uid: 5, messageId: '<5@x>' }],
    })
    const vanished = changes?.kind === 'delta' ? changes.vanished : []
    expect([1, 2, 3, 4_294_967_290].map((uid) => isInUidSet(vanished, uid as Uid))).toEqual([true, false, true, true])
    expect(server.received).toMatch(
      /ENABLE QRESYNC\r\n\w+ SELECT "Drafts" \(QRESYNC \(7 100\)\)\r\n\w+ UID FETCH 5:\* /,
    )
  })

  // Nagle's algorithm in the server (Cyrus) and the delayed acknowledgement in the client: 40 ms each time.
  test('are not waited for where the server holds an answer back until the one before it is acknowledged', async () => {
    let acknowledgements = ''
    const session = await connected(
      (line, { tag, socket, write, answer }) => {
        if (line.startsWith('SELECT')) write(state('HIGHESTMODSEQ 120'))
        if (!line.startsWith('UID FETCH')) {
          answer('OK done')
          return
        }
        socket.once('data', (data) => {
          acknowledgements += data.toString('latin1')
          write(`${identity}${tag} OK done\r\n`)
        })
      },
      { capabilities: qresync },
    )
    expect(await session.changes(drafts, mark)).toMatchObject({ added: [{ uid: 5 }] })
    expect(await session.changes(drafts, mark)).toMatchObject({ added: [{ uid: 5 }] })
    expect(await session.uids()).toEqual([])
    // Nothing but the beginning of what comes next: each tag is said once.
    expect(acknowledgements).toMatch(/^(\w+) (\w+) $/)
    const tags = [...server.received.matchAll(/^(\w+) [A-Z]/gm)].map(([, tag]) => tag)
    expect(tags).toEqual(expect.arrayContaining(acknowledgements.trim().split(' ')))
    expect(new Set(tags.slice(2)).size).toBe(tags.length - 2)
    expect(server.received).toMatch(/UID SEARCH RETURN \(ALL\) ALL\r\n$/)
  })

  test('enable QRESYNC once for a session', async () => {
    const session = await connected(
      (line, { write, answer }) => {
        if (line.startsWith('SELECT')) write(state('HIGHESTMODSEQ 120'))
        answer('OK done')
      },
      { capabilities: qresync },
    )
    for (const _ of [1, 2, 3]) expect(await session.changes(drafts, mark)).toMatchObject({ kind: 'delta' })
    expect(server.received.match(/ENABLE/g)).toHaveLength(1)
  })

  test.each([
    { what: 'a folder without modification sequences', modseq: 'NOMODSEQ' },
    { what: 'a HIGHESTMODSEQ that went back', modseq: 'HIGHESTMODSEQ 99' },
  ])('say nothing after $what: all is looked at', async ({ modseq }) => {
    const session = await connected(
      (line, { write, answer }) => {
        if (line.startsWith('SELECT')) write(state(modseq))
        if (line.startsWith('UID FETCH 1:*')) write(`${identity}${identity.replaceAll('5', '6')}`)
        answer('OK done')
      },
      { capabilities: qresync },
    )
    expect(await session.changes(drafts, mark)).toMatchObject({ kind: 'full', uids: [5, 6], changed: null })
  })

  test('are found the other way where QRESYNC is a name only', async () => {
    const session = await connected(
      (line, { write, tag, answer }) => {
        if (line.includes('QRESYNC')) {
          answer('BAD what is that')
          return
        }
        if (line.startsWith('SELECT')) write(state('HIGHESTMODSEQ 120'))
        if (line === 'UID SEARCH RETURN (ALL) ALL') write(`* ESEARCH (TAG "${tag}") UID ALL 2:5\r\n`)
        if (line === 'UID SEARCH RETURN (ALL) DELETED') write(`* ESEARCH (TAG "${tag}") UID\r\n`)
        answer('OK done')
      },
      { capabilities: qresync },
    )
    expect(await session.changes(drafts, mark)).toMatchObject({ kind: 'full', uids: [2, 3, 4, 5], deleted: [] })
  })

  test('tell two searches apart by their tags, in whatever order the answers come', async () => {
    const session = await connected(
      rounds(4, (lines, write) => {
        const [select, all, deleted, fetch] = lines as [Heard, Heard, Heard, Heard]
        expect(lines.map(({ line }) => line.split(' ').slice(0, 2).join(' '))).toEqual([
          'SELECT "Drafts"',
          'UID SEARCH',
          'UID SEARCH',
          'UID FETCH',
        ])
        write(`${state('NOMODSEQ')}${select.tag} OK done\r\n`)
        write(`* ESEARCH (TAG "${deleted.tag}") UID ALL 2\r\n${deleted.tag} OK done\r\n`)
        write(`* ESEARCH (TAG "${all.tag}") UID ALL 2,4:5\r\n${all.tag} OK done\r\n${fetch.tag} OK done\r\n`)
      }),
      { capabilities: 'IMAP4rev1 ESEARCH' },
    )
    expect(await session.changes(drafts, { ...mark, highestModseq: null })).toMatchObject({
      uids: [2, 4, 5],
      deleted: [2],
    })
  })

  test('of a folder that cannot be selected hold nothing of the one that was selected before', async () => {
    const session = await connected(
      (line, { write, answer }) => {
        // As some do, it leaves the old folder selected.
        if (line.startsWith('SELECT "Gone"')) answer('NO [NONEXISTENT] no such folder')
        else {
          if (line.startsWith('SELECT')) write(state('HIGHESTMODSEQ 120'))
          if (line.startsWith('UID FETCH')) write(identity)
          answer('OK done')
        }
      },
      { capabilities: qresync },
    )
    expect(await session.changes(drafts, mark)).toMatchObject({ added: [{ uid: 5 }] })
    expect(await session.changes('Gone' as FolderPath, mark)).toBeNull()
  })

  test('are never asked for under UIDs of a folder that was made anew while a watch was elsewhere (hazard 10)', async () => {
    let uidValidity = 7
    const watched = Promise.withResolvers<void>()
    const session = await connected(
      (line, { write, answer }) => {
        if (line === 'IDLE') {
          write('+ idling\r\n')
          watched.resolve()
          return
        }
        if (line.startsWith('SELECT "Sent"')) write(`* 0 EXISTS\r\n* OK [UIDVALIDITY ${uidValidity}] ok\r\n`)
        if (line.startsWith('SELECT "Drafts"')) write('* 0 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n')
        answer('OK done')
      },
      { capabilities: 'IMAP4rev1 UIDPLUS IDLE' },
    )
    await session.select(sent)
    const watch = startWatch(session, [drafts])
    await watched.promise
    uidValidity = 8
    await expect(session.expungeUids([1 as Uid])).rejects.toThrow('is not the one it was')
    expect(server.received).not.toContain('UID EXPUNGE')
    await watch.stop()
  })
})

function startWatch(
  session: MailboxSession,
  paths: readonly FolderPath[],
  options: Partial<WatchOptions> = {},
): { readonly told: FolderPath[]; next(): Promise<void>; stop(): Promise<void> } {
  const controller = new AbortController()
  const told: FolderPath[] = []
  let heard = Promise.withResolvers<void>()
  const ended = session.watch(paths, {
    ...options,
    signal: controller.signal,
    onChange: (path) => {
      told.push(path)
      heard.resolve()
      heard = Promise.withResolvers()
    },
  })
  ended.catch(() => {})
  return {
    told,
    next: async () => Promise.race([heard.promise, ended]),
    async stop() {
      controller.abort()
      await ended
    },
  }
}

/** The lines of the client after the login, without tags. */
function linesSent(): readonly string[] {
  const lines = server.received.split('\r\n').map((line) => line.replace(/^\w{1,4} /, ''))
  return lines.slice(
    lines.findIndex((line) => line.startsWith('SELECT')),
    -1,
  )
}

const idleScript =
  (onIdle: (write: (text: string) => void) => void): Script =>
  (line, { write, answer }) => {
    if (line === 'IDLE') {
      write('+ idling\r\n')
      onIdle(write)
      return
    }
    if (line.startsWith('SELECT')) write(state('NOMODSEQ'))
    if (line.startsWith('STATUS')) write('* STATUS "Drafts" (MESSAGES 3 UIDNEXT 6 UIDVALIDITY 7)\r\n')
    answer('OK done')
  }

describe('a watch', () => {
  test('waits in IDLE, ends it by DONE before another command, and goes back into it', async () => {
    let idles = 0
    const again = Promise.withResolvers<void>()
    const session = await connected(
      idleScript((write) => {
        idles += 1
        if (idles === 1) write('* 4 EXISTS\r\n')
        else again.resolve()
      }),
      { capabilities: 'IMAP4rev1 IDLE' },
    )
    await session.select(drafts)
    const watch = startWatch(session, [drafts])
    // The first telling is that of the beginning.
    await watch.next()
    while (watch.told.length < 2) await watch.next()
    expect(await session.uids()).toEqual([])
    await again.promise
    await watch.stop()
    expect(linesSent()).toEqual(['SELECT "Drafts"', 'IDLE', 'DONE', 'UID SEARCH ALL', 'IDLE', 'DONE'])
  })

  test('sends no DONE before the server has let it idle', async () => {
    const asked = Promise.withResolvers<(text: string) => void>()
    let idles = 0
    const session = await connected(
      (line, { write, answer }) => {
        if (line === 'IDLE') {
          idles += 1
          if (idles === 1) asked.resolve(write)
          else write('+ idling\r\n')
        } else {
          if (line.startsWith('SELECT')) write(state('NOMODSEQ'))
          answer('OK done')
        }
      },
      { capabilities: 'IMAP4rev1 IDLE' },
    )
    await session.select(drafts)
    const watch = startWatch(session, [drafts])
    const write = await asked.promise
    const searching = session.uids()
    const before = session.bytes().received
    write('* OK still here\r\n')
    while (session.bytes().received === before) await new Promise(setImmediate)
    // By now a DONE would be here, too.
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate)
    expect(server.received).not.toContain('DONE')
    write('+ idling\r\n')
    expect(await searching).toEqual([])
    await watch.stop()
  })

  test('asks where IDLE is refused, and tells only what has changed', async () => {
    let uidNext = 6
    let asked = 0
    const session = await connected(
      (line, { write, answer }) => {
        if (line === 'IDLE') answer('BAD not now')
        else {
          if (line.startsWith('SELECT')) write(state('NOMODSEQ'))
          if (line.startsWith('STATUS "Sent"')) {
            asked += 1
            if (asked === 3) uidNext += 1
            write(`* STATUS "Sent" (MESSAGES 3 UIDNEXT ${uidNext})\r\n`)
          }
          answer('OK done')
        }
      },
      { capabilities: 'IMAP4rev1 IDLE' },
    )
    const watch = startWatch(session, [drafts, sent], { pollMs: 20 })
    while (watch.told.filter((path) => path === sent).length < 3) await watch.next()
    await watch.stop()
    // Once for the beginning, once for what STATUS said first, and once for the change.
    expect(asked).toBeGreaterThanOrEqual(3)
    expect(server.received.match(/IDLE/g)).toHaveLength(1)
  })

  test('hears of all folders by NOTIFY, and goes on by other ways when the server stops telling', async () => {
    const session = await connected(
      (line, { write, answer }) => {
        if (line === 'IDLE') {
          write('+ idling\r\n* STATUS "Sent" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\n')
          return
        }
        if (line.startsWith('SELECT')) write(state('NOMODSEQ'))
        answer('OK done')
      },
      { capabilities: 'IMAP4rev1 IDLE NOTIFY' },
    )
    const watch = startWatch(session, [drafts, sent])
    while (watch.told.filter((path) => path === sent).length < 2) await watch.next()
    expect(server.received).toContain(
      'NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) ' +
        '(MAILBOXES ("Drafts" "Sent") (MessageNew MessageExpunge FlagChange))\r\n',
    )
    await watch.stop()
    expect(server.received).toMatch(/DONE\r\n\w+ NOTIFY NONE\r\n$/)
  })

  test('does not take what its own session does for news', async () => {
    const session = await connected(
      (line, { write, answer }) => {
        if (line === 'IDLE') {
          write('+ idling\r\n')
          return
        }
        if (line.startsWith('SELECT')) write(state('NOMODSEQ'))
        if (line.startsWith('UID EXPUNGE')) write('* 1 EXPUNGE\r\n')
        if (line.startsWith('UID STORE')) write('* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n')
        if (line.startsWith('UID SEARCH')) write('* 9 EXISTS\r\n')
        answer('OK done')
      },
      { capabilities: 'IMAP4rev1 UIDPLUS IDLE' },
    )
    await session.select(drafts)
    const watch = startWatch(session, [drafts])
    await watch.next()
    await session.markDeleted([1 as Uid])
    await session.expungeUids([1 as Uid])
    await new Promise(setImmediate)
    expect(watch.told).toEqual([drafts])
    await session.uids()
    while (watch.told.length < 2) await watch.next()
    expect(watch.told).toEqual([drafts, drafts])
    await watch.stop()
  })
})

const append = async (session: MailboxSession): Promise<unknown> =>
  session.append({
    folder: drafts,
    flags: [],
    internalDate: 0,
    segments: [{ kind: 'bytes', bytes: Buffer.from('x'.repeat(4000)) }],
  })

describe('compression', () => {
  const capabilities = 'IMAP4rev1 UIDPLUS LITERAL+ COMPRESS=DEFLATE'
  test('that is refused is done without', async () => {
    const session = await connected(
      (line, { answer }) => answer(line.startsWith('COMPRESS') ? 'NO not now' : 'OK [APPENDUID 1 2] done'),
      { capabilities },
    )
    expect(await append(session)).toEqual({ kind: 'stored', uidValidity: 1, uid: 2 })
    expect(server.received).toContain('xxxx')
  })

  test('begins right after the OK, whatever else the packet holds, and only with the first message', async () => {
    const deflate = createDeflateRaw()
    const commands: string[] = []
    const session = await connected(
      (line, { tag, socket, answer }) => {
        if (!line.startsWith('COMPRESS')) {
          answer('OK done')
          return
        }
        const say = (text: string): void => {
          deflate.write(text)
          deflate.flush(constants.Z_SYNC_FLUSH)
        }
        const inflate = createInflateRaw()
        socket.removeAllListeners('data')
        socket.pipe(inflate)
        inflate.setEncoding('latin1').on('data', (text: string) => {
          commands.push(text)
          const given = /^(\w+) \w/.exec(text)?.[1]
          if (given !== undefined && text.endsWith('\r\n')) say(`${given} OK [APPENDUID 1 2] done\r\n`)
        })
        // One packet: the OK, and what is compressed already.
        say('* 3 EXISTS\r\n')
        deflate.once('data', (compressed: Buffer) => {
          socket.write(Buffer.concat([Buffer.from(`${tag} OK on\r\n`), compressed]))
          deflate.on('data', (more: Buffer) => socket.write(more))
        })
      },
      { capabilities },
    )
    expect(await session.uids()).toEqual([])
    expect(server.received).not.toContain('COMPRESS')
    expect(await append(session)).toEqual({ kind: 'stored', uidValidity: 1, uid: 2 })
    expect(commands.join('')).toContain(`{4000+}\r\n${'x'.repeat(4000)}`)
    expect(await session.uids()).toEqual([])
    expect(server.received.match(/COMPRESS DEFLATE/g)).toHaveLength(1)
  })

  test('that breaks off in the middle ends the session', async () => {
    const session = await connected(
      (line, { answer, write, socket }) => {
        answer('OK on')
        if (!line.startsWith('COMPRESS')) return
        write('this is not deflate at all, and never will be')
        socket.removeAllListeners('data')
        socket.resume()
      },
      { capabilities },
    )
    await expect(append(session)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(session.alive).toBe(false)
  })
})

test('a process that has closed its session ends by itself: nothing is left behind', async () => {
  server = await startScripted(
    (line, { write, answer }) => {
      if (line === 'IDLE') write('+ idling\r\n')
      else {
        if (line.startsWith('SELECT')) write(state('NOMODSEQ'))
        answer('OK done')
      }
    },
    { capabilities: 'IMAP4rev1 IDLE' },
  )
  const script = `
    import { imap } from '@everdraft/mail'
    const signal = new AbortController().signal
    const session = await imap().connect(${JSON.stringify(server.settings)}, { signal, timeoutMs: 60_000 })
    await session.select('Drafts')
    const told = Promise.withResolvers()
    const watching = session.watch(['Drafts'], { signal, onChange: told.resolve }).catch(() => {})
    await told.promise
    await session.uids()
    await session.close()
    await watching
    console.log('closed')
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (data: Buffer) => (said += data.toString()))
  const started = Date.now()
  const [code] = (await once(child, 'exit')) as [number]
  expect({ code, said }).toEqual({ code: 0, said: 'closed\n' })
  expect(Date.now() - started).toBeLessThan(20_000)
})
