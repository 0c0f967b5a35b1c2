declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

export type Uid = Branded<number, 'Uid'>
export type UidValidity = Branded<number, 'UidValidity'>
export type MailboxId = Branded<number, 'MailboxId'>
/** Names the octets of a message; copies of a message share it. */
export type BlobId = Branded<string, 'BlobId'>

export const asUid = (value: number): Uid => value as Uid
export const asUidValidity = (value: number): UidValidity => value as UidValidity
export const asMailboxId = (value: number): MailboxId => value as MailboxId
export const asBlobId = (value: string): BlobId => value as BlobId

/**
 * A message as stored. It is never changed in place: new flags make a new object, so that a session can tell by identity
 * whether it has told its client of the newest state.
 */
export type StoredMessage = {
  readonly uid: Uid
  readonly flags: readonly string[]
  /** Milliseconds since 1970, UTC. */
  readonly internalDateMs: number
  readonly blob: BlobId
  readonly bytes: Uint8Array
  /** The mailbox's modseq at the last change of this message (RFC 7162 §3.1). */
  readonly modseq: number
}

export const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const

const systemFlagByName: ReadonlyMap<string, string> = new Map(systemFlags.map((flag) => [flag.toLowerCase(), flag]))

/** The canonical spelling of a system flag; undefined for keywords and for `\Recent`, which no client may set (RFC 3501 §2.3.2). */
export const systemFlag = (flag: string): string | undefined => systemFlagByName.get(flag.toLowerCase())

export const hasFlag = (message: StoredMessage, flag: string): boolean => {
  const wanted = flag.toLowerCase()
  return message.flags.some((each) => each.toLowerCase() === wanted)
}
