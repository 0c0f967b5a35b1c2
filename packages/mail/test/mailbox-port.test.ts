import { imap } from '@everdraft/mail'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { exerciseMailbox } from '@everdraft/testkit'
import { afterAll, beforeAll, describe } from 'vitest'

const user = { user: 'ann', password: 'secret' }

const able = {
  uidPlus: true,
  replace: true,
  catenate: true,
  specialUse: true,
  condstore: true,
  qresync: true,
  esearch: true,
  binary: true,
  idle: true,
  notify: true,
  compress: true,
  objectId: true,
  quota: true,
  soundParts: true,
}

describe.each([
  { name: 'all it can do', without: [], expected: able },
  { name: 'no literals without consent', without: ['LITERAL+'], expected: able },
  {
    name: 'next to nothing',
    without: [
      'UIDPLUS',
      'REPLACE',
      'CATENATE',
      'SPECIAL-USE',
      'LITERAL+',
      'LIST-EXTENDED',
      'MOVE',
      'APPENDLIMIT',
      'SASL-IR',
      'CONDSTORE',
      'ESEARCH',
      'BINARY',
      'IDLE',
      'NOTIFY',
      'COMPRESS=DEFLATE',
      'OBJECTID',
      'QUOTA',
    ],
    expected: {
      uidPlus: false,
      replace: false,
      catenate: false,
      specialUse: false,
      condstore: false,
      qresync: false,
      esearch: false,
      binary: false,
      idle: false,
      notify: false,
      compress: false,
      objectId: false,
      quota: false,
      soundParts: true,
    },
  },
] as const)('imap() in front of the embedded server with $name', ({ without, expected }) => {
  let server: MailServer
  beforeAll(async () => {
    server = createMailServer({ users: [{ name: user.user, password: user.password }], without: [...without] })
    await server.listen()
  })
  afterAll(async () => {
    await server.close()
  })
  exerciseMailbox(
    () => ({ port: imap(), settings: { host: '127.0.0.1', port: server.imapPort, security: 'none', ...user } }),
    expected,
  )
})
