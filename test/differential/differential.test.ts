// The same commands to the embedded server, to Dovecot and to Cyrus: where these two agree, ours must do as they do, and
// where they differ, as one of them. So what is proved on the embedded server is proved of a mail server.
import { createMailServer } from '@everdraft/mailserver'
import { connectRaw, describeServer, textOf } from '@everdraft/testkit'
import { afterAll, expect, test } from 'vitest'
import { deviations, play } from './play.ts'
import { scripts } from './scripts.ts'

const password = 'secret'
const users = scripts.map((_, index) => `u${index + 1}`)
const ours = createMailServer({ users: users.map((name) => ({ name, password })) })
await ours.listen({ imapPort: 0 })
afterAll(() => ours.close())

const offered = await capabilities(ours.imapPort)
const playable = scripts.filter(({ needs }) => needs === undefined || offered.has(needs))

describeServer('dovecot24', (dovecot) => {
  describeServer('cyrus310', (cyrus) => {
    for (const [index, script] of playable.entries()) {
      test(`the embedded server answers as one of them: ${script.name}`, async () => {
        const [seenOfOurs, seenOfDovecot, seenOfCyrus] = await Promise.all([
          play(script, { port: ours.imapPort, user: users[index] ?? '', password }),
          play(script, { port: dovecot().imapPort, ...dovecot().user() }),
          play(script, { port: cyrus().imapPort, ...cyrus().user() }),
        ])
        expect(deviations(script, seenOfOurs, seenOfDovecot, seenOfCyrus)).toEqual([])
      })
    }
  })
})

async function capabilities(port: number): Promise<ReadonlySet<string>> {
  const imap = await connectRaw({ port })
  await imap.login({ user: users[0] ?? '', password })
  const { untagged } = await imap.ok('CAPABILITY')
  await imap.logout()
  return new Set(untagged.flatMap(({ values }) => values.map((value) => textOf(value)?.toUpperCase() ?? '')))
}
