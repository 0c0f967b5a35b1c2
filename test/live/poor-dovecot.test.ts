import { describeServer, poorerDovecot } from '@everdraft/testkit'

import { draftsSuite } from './drafts-suite.ts'

/** A real server that has less than most: the same promises. */
describeServer(
  'dovecot23',
  draftsSuite,
  poorerDovecot(
    [
      'UIDPLUS',
      'MOVE',
      'LITERAL+',
      'SPECIAL-USE',
      'LIST-EXTENDED',
      'QRESYNC',
      'CONDSTORE',
      'ESEARCH',
      'CATENATE',
      'BINARY',
      'COMPRESS=DEFLATE',
      'NOTIFY',
      'IDLE',
    ],
    { uidplus: false, specialUse: false, condstore: false, catenate: false, literal8: false, compress: false },
  ),
)

// One lack at a time takes some minutes: that is for `pnpm proof`.
if (process.env['EVERDRAFT_SERVERS'] === 'all') {
  describeServer('dovecot23', draftsSuite, poorerDovecot(['UIDPLUS', 'MOVE'], { uidplus: false }))
  describeServer('dovecot23', draftsSuite, poorerDovecot(['LITERAL+'], {}))
  describeServer('dovecot23', draftsSuite, poorerDovecot(['SPECIAL-USE', 'LIST-EXTENDED'], { specialUse: false }))
  describeServer('dovecot23', draftsSuite, poorerDovecot(['QRESYNC', 'CONDSTORE', 'ENABLE'], { condstore: false }))
}
