import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { MailUser } from '@everdraft/testkit'

import { runProgram } from './run-program.ts'

/** mutt at a terminal that `script` makes for it. */
export interface Mutt {
  /** Opens Drafts and gives out every message there, one after the other; and what the status line says. */
  read(): Promise<{ readonly messages: Buffer; readonly screen: string }>
  /** Takes the only draft up again, has its text edited by this sed script, and postpones it. */
  edit(sedScript: string): Promise<void>
}

export async function openMutt(home: string, port: number, { user, password, address }: MailUser): Promise<Mutt> {
  const url = `imap://127.0.0.1:${port}`
  const settings = join(home, 'muttrc')
  const out = join(home, 'messages')
  const edits = join(home, 'edits.sed')
  await writeFile(
    settings,
    `set folder="${url}/"
set imap_user="${user}"
set imap_pass="${password}"
set ssl_starttls=no
set ssl_force_tls=no
set spoolfile="${url}/INBOX"
set postponed="${url}/Drafts"
set postpone=yes
set record=""
set from="${address}"
set editor="sed -i -f ${edits}"
set wait_key=no
set pipe_decode=no
set header_cache=""
set tmpdir="${home}"
set delete=yes
set quit=yes
set beep=no
`,
  )
  const atTerminal = (options: string, typed: Parameters<typeof runProgram>[1]['typed']): Promise<string> =>
    runProgram(['script', '-qefc', `mutt -n -F ${settings} ${options}`, '/dev/null'], { home, ...(typed && { typed }) })
  return {
    async read() {
      await writeFile(out, '')
      const keys = `<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >${out}<enter><quit>`
      const screen = await atTerminal(`-R -f ${url}/Drafts -e 'push "${keys}"'`, [])
      return { messages: await readFile(out), screen }
    },
    async edit(sedScript) {
      await writeFile(edits, `${sedScript}\n`)
      const menu = 'Mutt: Compose'
      await atTerminal('-p', [
        { sees: menu, keys: 'e' },
        { sees: menu, keys: 'q' },
      ])
    },
  }
}
