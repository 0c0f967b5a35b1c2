import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { EverdraftError, type SecretHolder, type Secrets } from '@everdraft/core'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** A key with the name that what it seals bears: a part of its digest, from which nobody finds the key. */
interface Key {
  readonly id: string
  readonly bytes: Buffer
}

/** Keys by which secrets are sealed: AES-256-GCM, with the id of the account or webhook as additional data. */
export interface KeyFile extends Secrets {
  /** A new key in front: `seal` uses it from now on, the others still open. */
  addKey(): void
  /** Forgets all keys but the first. Only when everything was sealed anew. */
  keepNewestKey(): void
}

/**
 * Keys in a file, one a line in base64, the newest first; readable by its owner alone. It is made when the first secret is
 * sealed. Keep a copy of it: without it passwords have to be entered again.
 */
export function keyFile(path: string): KeyFile {
  const file = resolve(path)
  // Read at each use: another process may have changed it, and it is seldom used.
  const keys = (): readonly Key[] => readKeys(file) ?? []
  const sealing = (): Key => {
    const [newest] = keys()
    if (newest !== undefined) return newest
    const made = createKey()
    writeKeys(file, [made])
    return made
  }
  return {
    ...secretsOf({ keys, sealing, place: `the key file ${file}` }),
    addKey: () => writeKeys(file, [createKey(), ...keys()]),
    keepNewestKey: () => writeKeys(file, keys().slice(0, 1)),
  }
}

/**
 * Keys from a text, as `EVERDRAFT_KEY` has them: 32 bytes in base64 each, the newest first, with commas between them.
 * @throws {EverdraftError} SECRETS_LOCKED where it is no such text; `place` is how to call it
 */
export function keysFromText(text: string, place: string): Secrets {
  const given = text.split(',').map((key) => readKey(key, place))
  return secretsOf({ keys: () => given, sealing: () => given[0] ?? readKey('', place), place })
}

function secretsOf(ring: { keys(): readonly Key[]; sealing(): Key; readonly place: string }): Secrets {
  return {
    seal: async (holder, text) => seal(ring.sealing(), holder, text),
    async open(holder, sealed) {
      const [version, id, text] = sealed.split('.')
      const key = ring.keys().find((one) => one.id === id)
      if (version !== 'v1' || key === undefined || text === undefined) {
        throw locked(
          `the password was sealed by a key that is not in ${ring.place}: put it back, or enter the password again`,
        )
      }
      return openSealed(key, holder, text, ring.place)
    },
    isCurrent: (sealed) => sealed.split('.')[1] === ring.keys()[0]?.id,
  }
}

function seal({ id, bytes }: Key, holder: SecretHolder, text: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', bytes, nonce)
  cipher.setAAD(Buffer.from(holder))
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `v1.${id}.${sealed.toString('base64')}`
}

function openSealed({ bytes }: Key, holder: SecretHolder, text: string, place: string): string {
  const sealed = Buffer.from(text, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(holder))
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
    const opened = [decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes)), decipher.final()]
    return Buffer.concat(opened).toString('utf8')
  } catch {
    throw locked(`a password in the store is not what the key in ${place} has sealed: enter it again`)
  }
}

function createKey(): Key {
  return keyOf(randomBytes(keyBytes))
}

function keyOf(bytes: Buffer): Key {
  return { id: createHash('sha256').update('everdraft key ').update(bytes).digest('hex').slice(0, 8), bytes }
}

function readKey(text: string, place: string): Key {
  const bytes = Buffer.from(text.trim(), 'base64')
  // Buffer skips what is no base64, and would make a key of anything.
  if (bytes.length !== keyBytes || !/^[A-Za-z0-9+/]{43}=?$/.test(text.trim())) {
    throw locked(`${place}: a key must be ${keyBytes} bytes in base64`)
  }
  return keyOf(bytes)
}

/** Null: there is no such file. */
function readKeys(file: string): readonly Key[] | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw locked(`the key file ${file} cannot be read: ${(error as Error).message}`)
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 0) throw locked(`the key file ${file} is empty`)
  return lines.map((line) => readKey(line, `the key file ${file}`))
}

/** Whole and durable before it takes the old one's place: what is sealed afterwards needs it. */
function writeKeys(file: string, keys: readonly Key[]): void {
  const beside = `${file}.new`
  try {
    rmSync(beside, { force: true })
    const handle = openSync(beside, 'wx', 0o600)
    try {
      writeFileSync(handle, keys.map(({ bytes }) => `${bytes.toString('base64')}\n`).join(''))
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(beside, file)
    chmodSync(file, 0o600)
  } catch (error) {
    throw locked(`the key file ${file} cannot be written: ${(error as Error).message}`)
  }
}

function locked(message: string): EverdraftError {
  return new EverdraftError('SECRETS_LOCKED', message)
}
