import { connect } from 'node:net'

const betweenTriesMs = 10

/** Resolves with the first line that the server says once it listens. A port is ready when the server speaks, not before. */
export async function greeting(host: string, port: number, timeoutMs: number): Promise<string> {
  const deadline = performance.now() + timeoutMs
  let lastError = new Error('no attempt was made')
  while (performance.now() < deadline) {
    try {
      return await firstLine(host, port, deadline - performance.now())
    } catch (error) {
      lastError = error as Error
      // Nothing signals that a port begins to listen; a refused connection costs microseconds.
      await new Promise((resolve) => setTimeout(resolve, betweenTriesMs))
    }
  }
  throw new Error(`no greeting on ${host}:${port} within ${timeoutMs} ms`, { cause: lastError })
}

function firstLine(host: string, port: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const socket = connect({ host, port, timeout: timeoutMs })
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    socket.on('data', (data) => {
      seen += data.toString('latin1')
      if (!seen.includes('\r\n')) return
      socket.destroy()
      resolve(seen.slice(0, seen.indexOf('\r\n')))
    })
    socket.on('timeout', () => fail(new Error('connected, but the server says nothing')))
    socket.on('close', () => fail(new Error('the server hung up before its greeting')))
    socket.on('error', fail)
  })
}
