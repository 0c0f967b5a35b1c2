import { describeServer } from '@everdraft/testkit'

import { cutsSuite } from './cuts-suite.ts'

describeServer('dovecot24', cutsSuite)
