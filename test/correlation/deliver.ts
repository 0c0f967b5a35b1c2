import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

export interface Delivery {
  readonly host: string
  readonly port: number
  readonly from: string
  readonly to: string
  /** With CRLF; no line of it begins with a dot. */
  readonly mail: string
}

/** As a mail server hands a mail in (RFC 5321 §3.3). */
export async function deliver({ host, port, from, to, mail }: Delivery): Promise<void> {
  const socket = connect({ host, port })
  try {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    const answer = async (): Promise<void> => {
      for (;;) {
        const { value = '' } = (await lines.next()) as { readonly value?: string }
        if (!/^[23]/.test(value)) throw new Error(`the server answered ${value}`)
        if (value[3] !== '-') return
      }
    }
    await answer()
    const steps = ['EHLO mx.example.com', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA', `${mail}\r\n.`, 'QUIT']
    for (const step of steps) {
      socket.write(`${step}\r\n`)
      await answer()
    }
  } finally {
    socket.end()
    if (!socket.closed) await once(socket, 'close')
  }
}
