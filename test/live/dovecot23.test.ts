import { describeServer } from '@everdraft/testkit'

import { draftsSuite } from './drafts-suite.ts'

describeServer('dovecot23', draftsSuite)
