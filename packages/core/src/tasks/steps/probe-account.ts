import type { Uid } from '../../ids.ts'
import { accountProbe, type AccountProbe, type ProbePlace, setAccountProbe } from '../../storage/account-probes.ts'
import { getAccount } from '../../storage/accounts.ts'
import { needsProbe, probeKeyword, probeMessage, probeMessageId, survivalOf } from '../../sync/account-probe.ts'
import { createToken } from '../../sync/message-ids.ts'
import type { FolderState, MailboxSession, MessageIdentity, StoreOutcome } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { removeMessages } from './remove-messages.ts'

/** Whoever probes: the lane, before an upload, or somebody who asks what the server does. */
export type ProbeContext = Pick<ExecuteContext, 'accountId' | 'environment' | 'store' | 'write'>

/** Larger ones are no probe of ours. */
const largestProbeBytes = 8 * 1024

// Looked up once for a connection: what it says of itself does not change.
const knownServers = new WeakSet<MailboxSession>()

/**
 * Before a draft goes up: finds out what the server does to it, unless that is known.
 *
 * @returns the folder, selected, as it is now; null where it is gone
 */
export async function knowServer(
  context: ProbeContext,
  session: MailboxSession,
  folder: FolderState,
): Promise<FolderState | null> {
  if (knownServers.has(session)) return folder
  const known = await context.store.read((db) => accountProbe(db, context.accountId))
  if (!needsProbe(known, session, context.environment.now())) {
    knownServers.add(session)
    return folder
  }
  await probeAccount(context, session, folder)
  knownServers.add(session)
  return await session.select(folder.path)
}

/**
 * Stores a small message in the folder, reads it back, compares, and removes it: nothing but what is found to be exactly
 * that message. Where it cannot be removed now, its place is kept, and the next probe removes it before it stores another.
 */
export async function probeAccount(
  context: ProbeContext,
  session: MailboxSession,
  folder: FolderState,
): Promise<AccountProbe> {
  const { accountId, environment } = context
  const { account, known } = await context.store.read(async (db) => ({
    account: await getAccount(db, accountId),
    known: await accountProbe(db, accountId),
  }))
  const now = environment.now()
  const { capabilities, serverId } = session
  const keep = async (found: Pick<AccountProbe, 'survival' | 'refusal' | 'left'>): Promise<AccountProbe> => {
    const probe: AccountProbe = { at: now, serverId, capabilities, ...found }
    await context.write(({ db }) => setAccountProbe(db, accountId, probe))
    return probe
  }
  const survival = known?.survival ?? null
  if (known !== null && known.left !== null && !(await removeProbe(session, known.left))) {
    return await keep({ survival, refusal: known.refusal, left: known.left })
  }
  // Read afresh: what was removed may have changed it.
  const current = await session.select(folder.path)
  if (current === null) return await keep({ survival, refusal: null, left: null })
  const token = createToken(environment.random)
  const place: ProbePlace = {
    token,
    messageId: probeMessageId(token, account.address),
    folder: current.path,
    uidValidity: current.uidValidity,
    uidNext: current.uidNext,
  }
  const sent = probeMessage(place, now)
  // Before the network is touched: whatever is cut from here on, the next probe knows what to look for.
  await keep({ survival, refusal: null, left: place })
  const store = (flags: readonly string[]): Promise<StoreOutcome> =>
    session.append({ folder: current.path, segments: [{ kind: 'bytes', bytes: sent }], flags, internalDate: now })
  const flags = ['\\Draft', '\\Seen']
  let outcome = await store([...flags, probeKeyword])
  const withKeyword = outcome.kind === 'stored'
  if (outcome.kind === 'refused') outcome = await store(flags)
  if (outcome.kind === 'refused') return await keep({ survival: null, refusal: outcome.text, left: null })
  const [found] = await findProbe(session, place)
  if (found === undefined) {
    return await keep({ survival: null, refusal: 'the server said OK to a message, and does not show it', left: place })
  }
  const [details] = await session.details([found.uid])
  const internalDate = now
  const { received } = found
  const seen = survivalOf({ place, sent, received, details: details ?? null, internalDate, withKeyword })
  const isGone = await removeProbe(session, place)
  return await keep({ survival: seen, refusal: null, left: isGone ? null : place })
}

/** True: nothing of it is there any more. */
async function removeProbe(session: MailboxSession, place: ProbePlace): Promise<boolean> {
  const folder = await session.select(place.folder)
  if (folder === null) return true
  const uids = (await findProbe(session, place, folder)).map(({ uid }) => uid)
  if (uids.length === 0) return true
  const { gone } = await removeMessages(session, folder, uids)
  return gone.length === uids.length
}

interface FoundProbe {
  readonly uid: Uid
  readonly received: Uint8Array
}

/** By its token in the text, which nobody else knows. */
async function findProbe(
  session: MailboxSession,
  place: ProbePlace,
  selected: FolderState | null = null,
): Promise<readonly FoundProbe[]> {
  const folder = selected ?? (await session.select(place.folder))
  const sameUids = folder?.uidValidity === place.uidValidity
  const candidates: readonly MessageIdentity[] =
    sameUids && place.uidNext !== null
      ? await session.identitiesFrom(place.uidNext)
      : await session.findByMessageId(place.messageId)
  const found: FoundProbe[] = []
  for (const { uid } of candidates.filter(({ size, deleted }) => size <= largestProbeBytes && !deleted)) {
    const received = await readWhole(session, uid)
    if (received !== null && includes(received, place.token)) found.push({ uid, received })
  }
  return found
}

async function readWhole(session: MailboxSession, uid: Uid): Promise<Uint8Array | null> {
  const raw = await session.fetchRaw(uid)
  if (raw === null) return null
  const pieces: Uint8Array[] = []
  for await (const piece of raw) pieces.push(piece)
  const whole = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function includes(bytes: Uint8Array, token: string): boolean {
  return new TextDecoder('latin1').decode(bytes).includes(token)
}
