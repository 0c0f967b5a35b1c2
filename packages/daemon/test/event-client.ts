import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

/** An event as it came over the wire. */
export interface Heard {
  readonly id: string
  readonly event: string
  // oxlint-disable-next-line typescript/no-explicit-any -- what came is what the tests are about
  readonly data: any
}

export interface Listening {
  readonly response: IncomingMessage
  readonly heard: readonly Heard[]
  /** Where to go on, as the stream has said it last; empty: it has said nothing yet. */
  readonly lastEventId: () => string
  /** What `look` finds, which looks again at whatever comes. Rejects if the stream ends before. */
  readonly until: <Result>(look: () => Result | undefined) => Promise<Result>
  /** The first that matches, which may have come already. Rejects if the stream ends before. */
  readonly hear: (matches: (one: Heard) => boolean) => Promise<Heard>
  /** Resolves when the stream has said where it begins. */
  readonly opened: () => Promise<string>
  /** Resolves at the end of the stream: `ended` by the daemon in order, else `cut`. */
  readonly end: Promise<'ended' | 'cut'>
  /** Goes without a word. */
  readonly leave: () => void
}

interface ListenOptions {
  readonly token: string
  readonly query?: string
  readonly headers?: Record<string, string>
}

/** Reads a stream of events by the rules of WHATWG HTML §9.2.6, as far as they matter here. */
export async function listen(url: string, { token, query = '', headers }: ListenOptions): Promise<Listening> {
  // A connection of its own, that goes with it.
  const asked = get(`${url}/events${query}`, {
    agent: false,
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`GET /events${query}: ${response.statusCode}`)
  asked.on('error', () => {})
  const heard: Heard[] = []
  const watching = new Set<() => void>()
  let lastEventId = ''
  let isOver = false

  function take(block: string): void {
    let event = 'message'
    const data: string[] = []
    for (const line of block.split('\n')) {
      const { name, value = '' } = /^(?<name>[a-z]*):? ?(?<value>.*)$/s.exec(line)?.groups ?? {}
      if (name === 'id') lastEventId = value
      if (name === 'event') event = value
      if (name === 'data') data.push(value)
    }
    if (data.length > 0) heard.push({ id: lastEventId, event, data: JSON.parse(data.join('\n')) })
  }

  async function read(): Promise<'ended' | 'cut'> {
    let text = ''
    try {
      for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
        const blocks = `${text}${chunk}`.split('\n\n')
        // What is cut off in the middle was never told.
        text = blocks.pop() ?? ''
        for (const block of blocks) take(block)
        for (const look of watching) look()
      }
      return 'ended'
    } catch {
      return 'cut'
    } finally {
      isOver = true
      for (const look of watching) look()
    }
  }

  async function until<Result>(look: () => Result | undefined): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    function lookAgain(): void {
      const found = look()
      if (found !== undefined) resolve(found)
      else if (isOver) reject(new Error('the stream has ended'))
    }
    watching.add(lookAgain)
    lookAgain()
    try {
      return await promise
    } finally {
      watching.delete(lookAgain)
    }
  }

  return {
    response,
    heard,
    lastEventId: () => lastEventId,
    until,
    hear: (matches) => until(() => heard.find(matches)),
    opened: () => until(() => (lastEventId === '' ? undefined : lastEventId)),
    end: read(),
    leave: () => void asked.destroy(),
  }
}
