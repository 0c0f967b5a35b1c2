import { randomUUID } from 'node:crypto'

import { imap } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'

import { createSha256, type Copy, type DemoMailbox } from './mailbox.ts'

/** The mail server of @everdraft/mailserver in this process, over real TCP; its mail is in memory. */
export async function openEmbeddedMailbox(): Promise<DemoMailbox> {
  const user = 'demo@example.org'
  const password = 'demo'
  const server = createMailServer({
    users: [{ name: user, password }],
    // As large providers do; of others it takes a while to find out that they do not.
    quirks: { filesSentCopies: { afterMs: 0, messageId: 'kept' } },
  })
  // Listening once gives it a port of its own; until `goOnline` nothing answers there.
  await server.listen()
  const port = server.imapPort
  const login = { host: '127.0.0.1', security: 'none', user, password } as const
  await server.close()

  function append(name: string, text: string, flags: readonly string[]): void {
    const folder = server.store.find(user, name)
    if (folder === undefined) throw new Error(`there is no ${name}`)
    server.store.append(folder, { bytes: Buffer.from(text), flags, internalDateMs: Date.now() })
  }

  const messages = (folder: string): ReturnType<typeof server.mailbox> =>
    server.mailbox(user, folder).filter(({ flags }) => !flags.includes('\\Deleted'))

  return {
    introduction: [`mail server  127.0.0.1:${port} (embedded, IMAP and SMTP over TCP) – not running yet`],
    address: user,
    imap: { ...login, port },
    smtp: { ...login, port: server.smtpPort },
    recipient: 'Ann <ann@example.org>',
    comingUp: 'The mail server comes up',
    goOnline: async () => server.listen({ imapPort: port }),
    // In every folder, wherever a copy may have got to.
    copies: async (_folder, draftId) =>
      server.store
        .mailboxes(user)
        .flatMap(({ name }) => messages(name))
        .filter(({ bytes }) => headerOf(bytes, 'x-everdraft-id') === draftId)
        .map(copyOf),
    sentCopies: async (messageId) =>
      messages('Sent')
        .filter(({ bytes }) => headerOf(bytes, 'message-id') === messageId)
        .map(copyOf),
    correspondence: {
      receive: async ({ messageId, from, subject, text }) => {
        const header = [`From: ${from}`, `To: ${user}`, `Subject: ${subject}`, `Message-ID: ${messageId}`, ...dated()]
        append('INBOX', [...header, '', ...text.split('\n'), ''].join('\r\n'), [])
      },
      sendElsewhere: async (draftId, { before, after }) => {
        const folder = server.store.find(user, 'Drafts')
        const draft = messages('Drafts').find(({ bytes }) => headerOf(bytes, 'x-everdraft-id') === draftId)
        if (folder === undefined || draft === undefined) throw new Error('the draft is not in Drafts')
        const text = Buffer.from(draft.bytes).toString('latin1')
        const kept = text.replaceAll(/^(?:X-Everdraft[\w-]*|Message-ID|Date):.*\r\n(?:[ \t].*\r\n)*/gim, '')
        const sent = [`Message-ID: <${randomUUID()}@mail.example.org>`, ...dated(), kept.replace(before, after)]
        append('Sent', sent.join('\r\n'), ['\\Seen'])
        server.store.expunge(folder, [draft.uid])
      },
    },
    attachmentHashes: async (folder, uid) => {
      const message = messages(folder).find((candidate) => candidate.uid === uid)
      if (message === undefined) return []
      const { attachments } = await imap().format.parse(inOnePiece(message.bytes), createSha256)
      return attachments.map(({ sha256 }) => sha256)
    },
    close: async () => server.close(),
  }
}

/** RFC 5322 §3.3. */
function dated(): readonly string[] {
  return [`Date: ${new Date().toUTCString().replace('GMT', '+0000')}`]
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function copyOf({ uid, bytes }: { readonly uid: number; readonly bytes: Uint8Array }): Copy {
  return { uid, size: bytes.length }
}

/** Of a field that is in one word. */
function headerOf(message: Uint8Array, field: string): string | null {
  const text = Buffer.from(message.buffer, message.byteOffset, Math.min(message.length, 65_536)).toString('latin1')
  const header = text.slice(0, text.indexOf('\r\n\r\n'))
  return new RegExp(`^${field}:\\s*(?<word>\\S+)`, 'im').exec(header)?.groups?.['word'] ?? null
}
