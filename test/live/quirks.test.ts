import { type Capability, createMailServer, type MailServer, type Quirks } from '@everdraft/mailserver'
import { afterAll, beforeAll, describe } from 'vitest'

import { createDice } from '../sim/world/dice.ts'
import { draftsSuite, uploadSuite } from './drafts-suite.ts'

interface Variant {
  readonly quirks: Quirks
  /** It changes the header of what is stored: also of what the others store whose mail the whole suite asks for. */
  readonly changesHeaders?: boolean
  readonly without: readonly Capability[]
}

const rich: readonly Capability[] = []
const plain: readonly Capability[] = ['CATENATE', 'REPLACE']

/**
 * Each with the way of uploading that it is about. Not here, as the suite asks for what they make impossible: servers that
 * archive what is expunged (test/hazards), that come back empty (test/hazards/deleting), and that file sent copies, which no
 * draft meets.
 */
const oneByOne: readonly Variant[] = [
  { quirks: { storesTruncatedLiterals: true }, without: plain },
  { quirks: { dropsMissingCatenateParts: true }, without: rich },
  { quirks: { storesNothingForCatenate: true }, without: plain },
  { quirks: { ignoresChangesAfterAppend: true }, without: plain },
  { quirks: { appendUid: 'absent' }, without: plain },
  { quirks: { appendUid: 'swapped' }, without: rich },
  { quirks: { appendUid: 'untagged' }, without: plain },
  { quirks: { reusesUidValidity: true }, without: rich },
  { quirks: { lowerCasesKeywords: true }, without: rich },
  { quirks: { ignoresCreateUse: true }, without: rich },
  { quirks: { lowerCasesSpecialUse: true }, without: rich },
  { quirks: { neverPushes: true }, without: rich },
  { quirks: { bareNewlines: 'rewritten' }, without: plain },
  { quirks: { bareNewlines: 'kept' }, without: plain },
  { quirks: { tellsExistsFirst: true }, without: ['CATENATE'] },
  { quirks: { announcesHugeAppendLimit: true }, without: rich },
]

const changing: readonly Variant[] = [
  { quirks: { rewritesMessageIds: true }, without: rich, changesHeaders: true },
  { quirks: { rewritesMessageIds: true }, without: [...plain, 'UIDPLUS'], changesHeaders: true },
  { quirks: { dropsPrivateHeaders: true }, without: rich, changesHeaders: true },
]

/** Of each kind at most one value, as chance has it. */
const seed = process.env['EVERDRAFT_QUIRKS_SEED'] ?? '1'
const together: readonly Variant[] = Array.from({ length: 3 }, (_, index) => {
  const dice = createDice(`quirks ${seed} ${index}`)
  const quirks = Object.assign({}, ...oneByOne.filter(() => dice.chance(0.5)).map((one) => one.quirks)) as Quirks
  return { quirks, without: dice.pick([rich, plain, ['CATENATE'], [...plain, 'UIDPLUS'], ['QRESYNC', 'CONDSTORE']]) }
})

/** Each alone takes some minutes: that is for `pnpm proof`. */
const chosen =
  process.env['EVERDRAFT_SERVERS'] === 'all' ? [...oneByOne, ...changing, ...together] : [...changing, ...together]

for (const { quirks, without, changesHeaders = false } of chosen) {
  const names = Object.entries(quirks).map(([name, value]) =>
    value === true ? name : `${name}: ${JSON.stringify(value)}`,
  )
  const missing = without.length === 0 ? '' : `, without ${without.join(', ')}`
  describe(`the embedded server, ${names.join(', ')}${missing}`, () => {
    const users = Array.from({ length: 80 }, (_, index) => ({
      name: `u${index}`,
      password: 'secret',
      address: `u${index}@example.org`,
    }))
    let mailServer: MailServer
    let next = 0
    beforeAll(async () => {
      mailServer = createMailServer({ users, quirks, without })
      await mailServer.listen()
    })
    afterAll(async () => {
      await mailServer.close()
    })
    const suite = changesHeaders ? uploadSuite : draftsSuite
    suite(() => ({
      host: '127.0.0.1',
      imapPort: mailServer.imapPort,
      supports: { catenate: !without.includes('CATENATE'), uidplus: !without.includes('UIDPLUS'), sent: 'Sent' },
      probes: changesHeaders,
      user: () => {
        const { name, password, address } = users[next++]!
        return { user: name, password, address }
      },
    }))
  })
}
