import { imap } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'

import { createSha256, type DemoMailbox } from './mailbox.ts'

/** The mail server of @everdraft/mailserver in this process, over real TCP; its mail is in memory. */
export async function openEmbeddedMailbox(): Promise<DemoMailbox> {
  const user = 'demo@example.org'
  const password = 'demo'
  const server = createMailServer({ users: [{ name: user, password }] })
  // Listening once gives it a port of its own; until `goOnline` nothing answers there.
  await server.listen()
  const port = server.imapPort
  await server.close()

  const messages = (folder: string): ReturnType<typeof server.mailbox> =>
    server.mailbox(user, folder).filter(({ flags }) => !flags.includes('\\Deleted'))

  return {
    introduction: [`mail server  127.0.0.1:${port} (embedded, IMAP over TCP) – not running yet`],
    address: user,
    imap: { host: '127.0.0.1', port, security: 'none', user, password },
    comingUp: 'The mail server comes up',
    goOnline: async () => server.listen({ imapPort: port }),
    // In every folder, wherever a copy may have got to.
    copies: async (_folder, draftId) =>
      server.store
        .mailboxes(user)
        .flatMap(({ name }) => messages(name))
        .filter(({ bytes }) => draftIdOf(bytes) === draftId)
        .map(({ uid, bytes }) => ({ uid, size: bytes.length })),
    attachmentHashes: async (folder, uid) => {
      const message = messages(folder).find((candidate) => candidate.uid === uid)
      if (message === undefined) return []
      const { attachments } = await imap().format.parse(inOnePiece(message.bytes), createSha256)
      return attachments.map(({ sha256 }) => sha256)
    },
    close: async () => server.close(),
  }
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function draftIdOf(message: Uint8Array): string | null {
  const text = Buffer.from(message.buffer, message.byteOffset, Math.min(message.length, 65_536)).toString('latin1')
  const header = text.slice(0, text.indexOf('\r\n\r\n'))
  return /^x-everdraft-id:\s*(?<id>\S+)/im.exec(header)?.groups?.['id'] ?? null
}
