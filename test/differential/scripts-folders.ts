import { literal } from '@everdraft/testkit'

import { corpus } from './corpus.ts'
import { a, b, part, type Script } from './script.ts'
import { append } from './steps.ts'

/** Folders, and what belongs to no folder. */
export const folders: readonly Script[] = [
  {
    name: 'LIST and special use',
    steps: [
      part(/^status|(INBOX|Drafts|Sent|Trash)$/, 'LIST "" "*"'),
      part(/^status|(INBOX|Drafts|Sent|Trash)$/, 'LIST "" "%"'),
      a('LIST "" ""'),
      a('LIST "" Drafts'),
      a('LIST "" inbox'),
      a('LIST "" nowhere'),
      part(/^status|(Drafts|Sent|Trash)$/, 'LIST (SPECIAL-USE) "" "*"'),
      part(/^status|(Drafts|Sent|Trash)$/, 'LIST "" "*" RETURN (SPECIAL-USE)'),
      part(/^status|(INBOX|Drafts)$/, 'LIST "" ("INBOX" "Drafts") RETURN (CHILDREN)'),
      part(/^status|^STATUS/, 'LIST "" "Drafts" RETURN (STATUS (MESSAGES UIDNEXT))'),
    ],
  },
  {
    name: 'CREATE, RENAME, DELETE, SUBSCRIBE',
    steps: [
      append('plain'),
      a('CREATE Work'),
      a('CREATE Work'),
      a('CREATE Work/2025/March'),
      part(/^status|LIST Work/, 'LIST "" "Work*"'),
      part(/^status|LIST Work/, 'LIST "" "Work/%"'),
      a('APPEND Work ', literal(corpus.plain)),
      a('RENAME Work Done'),
      part(/^status|LIST Done/, 'LIST "" "Done*"'),
      a('STATUS Done (MESSAGES UIDNEXT)'),
      a('RENAME nowhere anywhere'),
      a('RENAME Done Drafts'),
      a('SUBSCRIBE Done'),
      a('UNSUBSCRIBE Done'),
      a('DELETE Done/2025/March'),
      a('DELETE nowhere'),
      a('DELETE INBOX'),
      a('CREATE INBOX'),
      a('CREATE "Entw&APw-rfe"'),
      part(/^status|LIST Entw/, 'LIST "" "Entw*"'),
      a('STATUS "Entw&APw-rfe" (MESSAGES)'),
      a('DELETE "Entw&APw-rfe"'),
      a('STATUS "Entw&APw-rfe" (MESSAGES)'),
    ],
  },
  {
    name: 'STATUS',
    steps: [
      a('STATUS Drafts (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)'),
      append('plain', 'Drafts', '()'),
      append('nested', 'Drafts', '(\\Seen)'),
      a('STATUS Drafts (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)'),
      a('STATUS nowhere (MESSAGES)'),
      a('STATUS Drafts (NONSENSE)'),
      a('STATUS Drafts ()'),
      part(/^status/, 'SELECT Drafts'),
      a('UID STORE 2 +FLAGS (\\Deleted)'),
      a('UID EXPUNGE 2'),
      b('STATUS Drafts (MESSAGES UIDNEXT)'),
    ],
  },
  {
    name: 'STATUS=SIZE',
    needs: 'STATUS=SIZE',
    steps: [append('plain'), append('nested'), a('STATUS Drafts (SIZE MESSAGES)'), a('STATUS Sent (SIZE)')],
  },
  {
    name: 'commands in the wrong state, and words that are no commands',
    steps: [
      a('FETCH 1 FLAGS'),
      a('EXPUNGE'),
      a('UID EXPUNGE 1'),
      a('CHECK'),
      a('NONSENSE'),
      a('UID NONSENSE 1'),
      a('SELECT'),
      a('LOGIN u01 secret'),
      a('STATUS Drafts'),
      a('NOOP'),
    ],
  },
]
