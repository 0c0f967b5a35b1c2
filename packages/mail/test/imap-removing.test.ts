import type { FolderPath, MailboxSession, Uid } from '@everdraft/core'
import { afterEach, describe, expect, test } from 'vitest'

import { startScripted, type Script, type ScriptedServer } from './scripted-server.ts'

const drafts = 'Drafts' as FolderPath
const uids = [12, 15] as Uid[]
let server: ScriptedServer

afterEach(() => server.close())

/** A session with the folder selected, whose server says `marking` to the STORE and `expunging` to the EXPUNGE. */
async function removing(marking: string, expunging: string, answer = 'OK done'): Promise<MailboxSession> {
  const script: Script = (line, { write, answer: end }) => {
    if (line.startsWith('SELECT')) write('* 5 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n')
    if (line.startsWith('UID STORE')) write(marking)
    if (line.startsWith('UID EXPUNGE')) write(expunging)
    end(line.startsWith('UID') ? answer : 'OK done')
  }
  server = await startScripted(script, { capabilities: 'IMAP4rev1 UIDPLUS' })
  const session = await server.connect()
  await session.select(drafts)
  return session
}

const marked = '* 3 FETCH (FLAGS (\\Deleted) UID 12)\r\n* 5 FETCH (UID 15 FLAGS (\\Deleted))\r\n'

describe('removing messages', () => {
  test.for([
    [
      'by number, while those of others go before and between them',
      marked,
      '* 1 EXPUNGE\r\n* 2 EXPUNGE\r\n* 3 EXPUNGE\r\n',
      [12, 15],
    ],
    ['by number, after one of others went with the mark', `${marked}* 2 EXPUNGE\r\n`, '* 2 EXPUNGE\r\n', [12]],
    ['by UID', '', '* VANISHED 1:12,14\r\n', [12]],
    ['of others only', marked, '* 4 EXPUNGE\r\n', []],
    ['of numbers that nothing is known of', '', '* 3 EXPUNGE\r\n* 4 EXPUNGE\r\n', []],
    ['of nothing, as a server that ignored the mark (Courier)', '', '', []],
  ] as const)('says exactly what the server told: %s', async ([, marking, expunging, told]) => {
    const session = await removing(marking, expunging)
    expect(await session.removeUids(uids)).toEqual({ kind: 'ok', told })
    // The tag of a next command may be on its way.
    expect(server.received).toMatch(/\w+ UID STORE 12,15 \+FLAGS \(\\Deleted\)\r\n\w+ UID EXPUNGE 12,15\r\n(?:\w+ )?$/)
  })

  test('that is refused is a refusal, and no EXPUNGE without UIDs follows it (hazard 6)', async () => {
    const session = await removing('', '', 'NO not today')
    expect(await session.removeUids(uids)).toMatchObject({ kind: 'refused', status: 'NO', text: 'not today' })
    expect(server.received).not.toMatch(/^\w+ EXPUNGE/m)
  })
})
