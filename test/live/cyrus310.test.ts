import { describeServer } from '@everdraft/testkit'

import { draftsSuite } from './drafts-suite.ts'

describeServer('cyrus310', draftsSuite)
