import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { MailUser } from '@everdraft/testkit'

import { runProgram } from './run-program.ts'

/** isync's mbsync with a Maildir of its own. */
export interface Mbsync {
  /** Brings what the server has to the Maildir, and what was changed in the Maildir to the server. */
  sync(): Promise<void>
  messages(): Promise<readonly Buffer[]>
  /** As a program that works on a Maildir changes a message: a new file, and the old one away. */
  replace(message: string): Promise<void>
}

export async function openMbsync(home: string, port: number, { user, password }: MailUser): Promise<Mbsync> {
  const settings = join(home, 'mbsyncrc')
  const folder = join(home, 'mail', 'Drafts')
  await mkdir(join(home, 'mail'), { recursive: true })
  await writeFile(
    settings,
    `IMAPAccount account
Host 127.0.0.1
Port ${port}
User ${user}
Pass ${password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account account

MaildirStore near
Path ${home}/mail/
Inbox ${home}/mail/INBOX
SubFolders Verbatim

Channel drafts
Far :far:
Near :near:
Patterns Drafts
Create Near
Expunge Both
Sync All
SyncState *
`,
  )
  const files = async (): Promise<readonly string[]> => {
    const names = await Promise.all(
      ['cur', 'new'].map(async (part) =>
        readdir(join(folder, part)).then((all) => all.map((name) => join(folder, part, name))),
      ),
    )
    return names.flat()
  }
  return {
    async sync() {
      await runProgram(['mbsync', '-c', settings, '-a'], { home })
    },
    messages: async () => Promise.all((await files()).map(async (file) => readFile(file))),
    async replace(message) {
      const old = await files()
      await writeFile(join(folder, 'cur', '1.edited.example:2,DS'), message)
      for (const file of old) await rm(file)
    },
  }
}
