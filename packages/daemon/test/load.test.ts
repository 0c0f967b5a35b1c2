import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createEngine, type Engine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { sqlite } from '@everdraft/sqlite'
import { expect, onTestFinished, test } from 'vitest'

import { createDaemon } from '../src/index.ts'

/** `pnpm proof` asks for more: each life is looked through for all that the ones before it have acknowledged. */
const cycles = Number(process.env['EVERDRAFT_LOAD_KILLS'] ?? 3)
const writers = 8
/** In each life, so that all of it is sent and looked at in the time that there is. */
const mostOfEach = 40
const served = fileURLToPath(new URL('load-served.ts', import.meta.url))
const token = 'the-token-of-this-test'
const user = { name: 'ann@example.org', password: 'correct horse' }

/** What a program asks for, and asks for again when it does not know whether it came through. */
interface Wish {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly json: Readonly<Record<string, unknown>>
}

interface Answer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer's shape is what the test is about
  readonly body: any
}

interface Life {
  readonly call: (method: string, path: string, wish?: Partial<Wish>) => Promise<Answer>
  readonly kill: () => Promise<void>
}

async function live(file: string): Promise<Life> {
  const child: ChildProcess = spawn(process.execPath, [served, file, token], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  let complaints = ''
  child.stderr?.on('data', (data: Buffer) => void (complaints += data.toString('utf8')))
  const failed = ended.then(([code]) => {
    throw new Error(`the daemon ended by itself with ${String(code)}: ${complaints}`)
  })
  // It also ends when it is killed.
  failed.catch(() => {})
  const [said] = (await Promise.race([once(child.stdout ?? child, 'data'), failed])) as [Buffer]
  const url = said.toString('utf8').trim()
  const life: Life = {
    async call(method, path, { headers = {}, json } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      })
      return { status: response.status, body: await response.json() }
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
  onTestFinished(() => life.kill())
  return life
}

/** What was promised: by the subject, which is each time another. */
interface Promised {
  readonly wish: Wish
  /** Of the draft, or of the send. */
  readonly id: string
}

interface Draft {
  readonly id: string
  readonly subject: string
  readonly version: number
  readonly text: string
}

interface Ledger {
  readonly made: Map<string, Promised>
  readonly sent: Map<string, Promised>
  /** The newest that was acknowledged of each draft. */
  readonly drafts: Map<string, Draft>
  /** Asked for, and not answered when the daemon was killed. */
  readonly inDoubt: Wish[]
  /** Another number each time. */
  next(): number
}

function createLedger(): Ledger {
  let count = 0
  return { made: new Map(), sent: new Map(), drafts: new Map(), inDoubt: [], next: () => (count += 1) }
}

function acknowledge({ made, sent, drafts }: Ledger, wish: Wish, { body }: Answer): void {
  if (wish.method === 'PUT') drafts.set(body.id, body)
  else if (wish.path.endsWith('/drafts')) {
    made.set(body.subject, { wish, id: body.id })
    drafts.set(body.id, body)
  } else {
    sent.set(body.subject, { wish, id: body.id })
    drafts.delete(body.draft_id)
  }
}

/** Writes, changes and sends, one thing after the other, until nobody answers any more. */
async function write({ call }: Life, ledger: Ledger, accountId: string): Promise<void> {
  const drafts = `/accounts/${accountId}/drafts`
  const fulfil = async (wish: Wish): Promise<Answer | null> => {
    let answer: Answer
    try {
      answer = await call(wish.method, wish.path, wish)
    } catch {
      ledger.inDoubt.push(wish)
      return null
    }
    expect([200, 201, 202], JSON.stringify(answer.body)).toContain(answer.status)
    acknowledge(ledger, wish, answer)
    return answer
  }
  const keyed = (path: string, json: Wish['json']): Wish => ({
    method: 'POST',
    path,
    headers: { 'idempotency-key': `key-${ledger.next()}` },
    json,
  })
  for (let round = 0; round < mostOfEach / writers; round += 1) {
    const letter = (): Wish['json'] => ({
      to: 'bob@example.com',
      subject: `number ${ledger.next()}`,
      text: 'version 1\n',
    })
    const created = await fulfil(keyed(drafts, letter()))
    if (created === null) return
    const path = `${drafts}/${created.body.id}`
    let { version } = created.body as Draft
    for (let save = 0; save < 3; save += 1) {
      const headers = { 'if-match': `"${version}"` }
      const saved = await fulfil({ method: 'PUT', path, headers, json: { text: `version ${version + 1}\n` } })
      if (saved === null) return
      version = saved.body.version
    }
    if ((await fulfil(keyed(drafts, letter()))) === null) return
    if ((await fulfil(keyed(`${path}/send`, {}))) === null) return
    if ((await fulfil(keyed('/send', { account_id: accountId, ...letter() }))) === null) return
  }
}

/** In another life: what was in doubt is asked for again, and so is some of what was not. */
async function askAgain({ call }: Life, ledger: Ledger): Promise<void> {
  for (const wish of ledger.inDoubt.splice(0)) {
    const answer = await call(wish.method, wish.path, wish)
    if (wish.method === 'PUT' && answer.status === 412) {
      // It had come through.
      const { body } = await call('GET', wish.path)
      expect(body.text).toBe(wish.json['text'])
      ledger.drafts.set(body.id, body)
      continue
    }
    expect([200, 201, 202], JSON.stringify(answer.body)).toContain(answer.status)
    acknowledge(ledger, wish, answer)
  }
  for (const { wish, id } of [...ledger.made.values(), ...ledger.sent.values()].slice(-60)) {
    const { body } = await call(wish.method, wish.path, wish)
    expect(body.id, `${wish.path} again`).toBe(id)
  }
}

async function checkAcknowledged({ call }: Life, ledger: Ledger, accountId: string): Promise<void> {
  for (const { id, version, text } of ledger.drafts.values()) {
    const { body } = await call('GET', `/accounts/${accountId}/drafts/${id}`)
    expect(body.version, `version of ${id}`).toBeGreaterThanOrEqual(version)
    if (body.version === version) expect(body.text).toBe(text)
  }
  for (const { id } of ledger.sent.values()) expect((await call('GET', `/track/${id}`)).status, id).toBe(200)
}

async function everyItem({ call }: Life, path: string): Promise<readonly { subject: string; status: string }[]> {
  const items: { subject: string; status: string }[] = []
  for (;;) {
    const { body } = await call('GET', `${path}?limit=500&offset=${items.length}`)
    items.push(...body.items)
    if (items.length >= body.total) return items
  }
}

async function allEnded(life: Life, accountId: string): Promise<readonly { subject: string; status: string }[]> {
  for (;;) {
    const headers = { prefer: 'wait=60' }
    expect([200, 202]).toContain((await life.call('POST', `/accounts/${accountId}/sync`, { headers })).status)
    const sends = await everyItem(life, '/sends')
    if (!sends.some(({ status }) => status === 'queued' || status === 'sending')) return sends
  }
}

function subjects(items: readonly { subject: string }[]): readonly string[] {
  return items.map(({ subject }) => subject).toSorted()
}

function subjectsTaken(mailServer: MailServer): readonly string[] {
  return mailServer.submissions.map(
    ({ bytes }) => /^Subject: (.*?)\r$/im.exec(new TextDecoder().decode(bytes))?.[1] ?? '',
  )
}

test(
  `kill -9 of the daemon under load, ${cycles} times: all that it acknowledged is there, and what is asked for again is one draft and one send`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-load-test-'))
    const mailServer = createMailServer({ users: [user] })
    await mailServer.listen()
    onTestFinished(async () => {
      await mailServer.close()
      await rm(folder, { recursive: true, force: true })
    })
    const file = join(folder, 'everdraft.db')
    let life = await live(file)
    const server = { host: '127.0.0.1', security: 'none', user: user.name, password: user.password }
    const added = await life.call('POST', '/accounts', {
      json: {
        address: user.name,
        imap: { ...server, port: mailServer.imapPort },
        smtp: { ...server, port: mailServer.smtpPort },
      },
    })
    const accountId: string = added.body.id
    const ledger = createLedger()
    let doubts = 0
    for (let cycle = 0; cycle < cycles; cycle += 1) {
      const writing = Promise.all(Array.from({ length: writers }, () => write(life, ledger, accountId)))
      await new Promise((resolve) => setTimeout(resolve, 20 + ((cycle * 67) % 300)))
      await life.kill()
      await writing
      doubts += ledger.inDoubt.length
      life = await live(file)
      await checkAcknowledged(life, ledger, accountId)
      await askAgain(life, ledger)
    }
    expect(doubts, 'some requests were cut').toBeGreaterThan(0)
    const sends = await allEnded(life, accountId)
    const drafts = subjects(await everyItem(life, `/accounts/${accountId}/drafts`))
    expect(drafts, 'each once').toEqual([...new Set(drafts)])
    for (const subject of [...ledger.made.keys(), ...ledger.sent.keys()]) expect(drafts).toContain(subject)
    expect(subjects(sends), 'each once').toEqual([...ledger.sent.keys()].toSorted())
    const taken = subjectsTaken(mailServer).toSorted()
    expect(taken, 'no mail twice').toEqual([...new Set(taken)])
    for (const { subject, status } of sends) {
      // Only where it was killed between the last dot and the answer.
      if (status !== 'unknown') expect({ subject, status }).toEqual({ subject, status: 'sent' })
      if (status === 'sent') expect(taken).toContain(subject)
    }
  },
  120_000 + cycles * 20_000,
)

test('POST /send that ended between the draft and its consent: asked for again, it sends that very draft', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-load-test-'))
  const mailServer = createMailServer({ users: [user] })
  await mailServer.listen()
  onTestFinished(async () => {
    await mailServer.close()
    await rm(folder, { recursive: true, force: true })
  })
  const server = { host: '127.0.0.1', security: 'none', user: user.name, password: user.password } as const
  /** One process on the file; `engineOf` is where it ends. */
  const inProcess = async <Result>(
    engineOf: (engine: Engine) => Engine,
    work: (engine: Engine, send: (json: object, signal?: AbortSignal) => Promise<Answer>) => Promise<Result>,
  ): Promise<Result> => {
    const storage = sqlite(join(folder, 'everdraft.db'))
    const engine = await createEngine({ storage, mailbox: imap(), submission: smtp(), watch: false, probe: false })
    const daemon = await createDaemon({ engine: engineOf(engine), token, version: '1.2.3' })
    const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
    const send = async (json: object, signal: AbortSignal | null = null): Promise<Answer> => {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': 'the key',
        prefer: 'wait=20',
      }
      const response = await fetch(`${url}/send`, { method: 'POST', headers, body: JSON.stringify(json), signal })
      return { status: response.status, body: await response.json() }
    }
    try {
      return await work(engine, send)
    } finally {
      await daemon.close()
      await engine.close()
    }
  }
  const mail = { from_email: user.name, to: 'bob@example.com', subject: 'Once', text: 'Dear Bob\n' }
  const reached = Promise.withResolvers<void>()
  const send = (): Promise<never> => {
    reached.resolve()
    return Promise.withResolvers<never>().promise
  }
  const neverSends = (engine: Engine): Engine => ({ ...engine, drafts: { ...engine.drafts, send } })
  await inProcess(neverSends, async (engine, ask) => {
    await engine.accounts.add({
      address: user.name,
      imap: { ...server, port: mailServer.imapPort },
      smtp: { ...server, port: mailServer.smtpPort },
    })
    const patience = new AbortController()
    const cut = ask(mail, patience.signal)
    await reached.promise
    patience.abort()
    await expect(cut).rejects.toThrow(/abort/)
  })
  await inProcess(
    (engine) => engine,
    async (engine, ask) => {
      expect(await ask(mail)).toMatchObject({ status: 200, body: { status: 'sent', subject: 'Once' } })
      const { items } = await engine.drafts.list({})
      expect(items.map(({ subject, status }) => ({ subject, status }))).toEqual([{ subject: 'Once', status: 'sent' }])
      expect(await ask({ ...mail, text: 'Dear Carla\n' })).toMatchObject({ status: 422 })
    },
  )
  expect(mailServer.submissions).toHaveLength(1)
})
