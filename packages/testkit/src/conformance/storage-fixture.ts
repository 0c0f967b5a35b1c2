import {
  type Account,
  createEngine,
  type Engine,
  EverdraftError,
  inspectStore,
  type MailboxPort,
  type OpenStorage,
  type Storage,
  type StoreReport,
  WireError,
} from '@everdraft/core'
import { Kysely } from 'kysely'
import { expect } from 'vitest'

/** What an adapter offers beside what all must do; the suite asks by these and never by the adapter's name. */
export interface StorageExpectations {
  readonly backup: boolean
  readonly checkIntegrity: boolean
  /** `OpenStorage.answer`. */
  readonly answersAtOnce: boolean
  /** A U+FEFF with which a value begins is there when it comes back. */
  readonly leadingByteOrderMark: boolean
}

/** One adapter. */
export interface StorageSubject {
  /** A place in which nothing is yet. */
  create(): Promise<StoragePlace>
}

export interface StoragePlace {
  /** Of the same place each time; one is open at a time. */
  readonly storage: () => Storage
  /** A path for a copy; nothing is there. */
  readonly copyPath?: string
  readonly storageAt?: (path: string) => Storage
  readonly remove: () => Promise<void>
}

/** The tables of the tests that look at the database itself; which columns there are say the tests. */
export type Tables = Record<string, Record<string, unknown>>

/** What one test gets, all of it gone after the test. */
export interface StorageFixture {
  readonly place: StoragePlace
  /** A clock that tests move. */
  readonly clock: { now: number }
  /** The database without the engine's tables in it. */
  readonly database: () => Promise<{ readonly db: Kysely<Tables>; readonly open: OpenStorage }>
  /** An engine whose server is never reached: what is looked at is the store. */
  readonly engine: () => Promise<Engine>
  /** An engine with an account, and nothing in it. */
  readonly engineWithAccount: () => Promise<{ readonly engine: Engine; readonly account: Account }>
  readonly inspect: () => Promise<StoreReport>
  readonly close: () => Promise<void>
}

const unused = (): Promise<never> => Promise.reject(new TypeError('nothing is uploaded here'))

const unreachable: MailboxPort = {
  format: { compose: unused, parse: unused },
  connect: () => Promise.reject(new WireError('UNREACHABLE', 'there is no server')),
}

/** A time of now, in milliseconds: more than 32 bits hold. */
const start = 1_700_000_000_000

export async function openFixture(subject: StorageSubject): Promise<StorageFixture> {
  const place = await subject.create()
  const closers: (() => Promise<void>)[] = []
  const clock = { now: start }
  const engine = async (): Promise<Engine> => {
    const opened = await createEngine({
      storage: place.storage(),
      mailbox: unreachable,
      environment: { now: () => clock.now },
      // Tasks wait: none runs while a test looks at the rows.
      timing: { uploadDelayMs: 3_600_000, longestUploadDelayMs: 86_400_000, pollMs: 3_600_000 },
    })
    closers.push(() => opened.close())
    return opened
  }
  return {
    place,
    clock,
    async database() {
      const open = await place.storage().open()
      const db = new Kysely<Tables>({ dialect: open.dialect })
      closers.push(() => db.destroy())
      return { db, open }
    },
    engine,
    async engineWithAccount() {
      const opened = await engine()
      return { engine: opened, account: await addAccount(opened, 'ann@example.org') }
    },
    inspect: () => inspectStore(place.storage()),
    async close() {
      for (const close of closers.toReversed()) await close()
      // Whatever a test did, it leaves a store in which nothing contradicts itself.
      const { findings } = await inspectStore(place.storage())
      await place.remove()
      expect(findings).toEqual([])
    },
  }
}

export function addAccount(engine: Engine, address: string): Promise<Account> {
  const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: address, password: 'secret' } as const
  return engine.accounts.add({ address, name: 'Ann Example', imap })
}

/** The code of the failure; fails where there is none. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return error instanceof EverdraftError ? error.code : `not an EverdraftError: ${String(error)}`
  }
  return 'no error'
}

/** Texts that programs and people write, and databases get wrong. */
export const oddTexts: readonly string[] = [
  '',
  ' ',
  'it\'s "quoted" \\ and % and _ and ; -- and $1 and ?',
  'line\r\nline\n\ttab',
  'Grüße, Ærøskøbing, Łódź',
  'naïve as one code point, nai\u0308ve as two',
  'שלום \u202Ework\u202C مرحبا',
  '漢字かな交じり文 한국어',
  '😀 👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𝔫𝔦𝔠𝔬𝔡𝔢',
  'no \uFEFF mark, \u0001 control, \u007F delete, \uFFFD replacement, \uFFFF no character',
  '{"json": [1, null, "\\u0000"]}',
]

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}
