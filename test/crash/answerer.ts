import { type AccountId, createEngine, type Storage } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'

/**
 * A process that answers mail. It kills itself, as by kill -9, at the commit of that number, right before it or right after; with 0
 * it goes on until it is killed. It says on standard output whom it was asked about, and ends by itself when nothing is left to do.
 */
const [file = '', account = '', dieAt = '0', when = 'before'] = process.argv.slice(2)
const stays = dieAt === '0'

function deadly(storage: Storage): Storage {
  return {
    async open() {
      const open = await storage.open()
      const { answer } = open
      if (answer === undefined) throw new Error('the store answers no statement at once')
      let commits = 0
      return {
        ...open,
        answer(statement, parameters) {
          if (statement === 'commit') commits += 1
          const isLast = statement === 'commit' && commits === Number(dieAt)
          if (isLast && when === 'before') process.kill(process.pid, 'SIGKILL')
          const rows = answer(statement, parameters)
          if (isLast) process.kill(process.pid, 'SIGKILL')
          return rows
        },
      }
    },
  }
}

const engine = await createEngine({
  storage: deadly(sqlite(file)),
  mailbox: imap(),
  probe: false,
  watch: stays,
  timing: { firstBackOffMs: 5, longestOfflineBackOffMs: 50 },
  responders: {
    modules: {
      test: ({ message }) => {
        process.stdout.write(`${message.subject}\n`)
        return { text: `about ${message.subject}` }
      },
    },
  },
})
const accountId = account as AccountId
const rounds = stays ? Infinity : 2
for (let round = 0; round < rounds; round += 1) await engine.sync(accountId, { waitMs: 60_000 })
await engine.close()
