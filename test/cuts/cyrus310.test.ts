import { describeServer } from '@everdraft/testkit'

import { cutsSuite } from './cuts-suite.ts'

describeServer('cyrus310', cutsSuite)
