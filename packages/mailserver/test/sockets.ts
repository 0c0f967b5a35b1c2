import { connect, type Socket } from 'node:net'

/** A raw client over TCP: waits for what it expects, never for time. */
export type SocketClient = {
  readonly received: string
  readonly ended: 'fin' | 'rst' | undefined
  write(text: string | Uint8Array): void
  /** Until something like this has come (since the last match). */
  until(pattern: RegExp): Promise<string>
  /** Until the other side has ended it. */
  untilEnded(): Promise<'fin' | 'rst'>
  /** A command, up to its tagged answer. */
  run(line: string): Promise<string>
  destroy(): void
}

export function connectTo(port: number): SocketClient {
  const socket: Socket = connect({ port, host: '127.0.0.1', allowHalfOpen: false })
  let received = ''
  let read = 0
  let ended: 'fin' | 'rst' | undefined
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const each of waiting) each()
  }
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    wake()
  })
  socket.on('end', () => {
    ended ??= 'fin'
    wake()
  })
  socket.on('error', () => {
    ended ??= 'rst'
    wake()
  })

  const when = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const attempt = (): void => {
        const found = look()
        if (found === undefined) return
        waiting.delete(attempt)
        resolve(found)
      }
      waiting.add(attempt)
      attempt()
    })
  const until = (pattern: RegExp): Promise<string> =>
    when(() => {
      const match = pattern.exec(received.slice(read))
      if (match === null) {
        if (ended !== undefined) throw new Error(`the connection ended before ${pattern} came; it said: ${received}`)
        return undefined
      }
      const found = received.slice(read, read + match.index + match[0].length)
      read += found.length
      return found
    })

  return {
    get received() {
      return received
    },
    get ended() {
      return ended
    },
    write: (text) => void socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text),
    until,
    untilEnded: () => when(() => ended),
    run: (line) => {
      const [tag = ''] = line.split(' ')
      socket.write(`${line}\r\n`)
      return until(new RegExp(`(^|\\r\\n)${tag} [^\\r]*\\r\\n`, 'u'))
    },
    destroy: () => void socket.destroy(),
  }
}
