import type { FolderPath, Uid } from '../ids.ts'
import { draftsWithOpenAttempts } from '../storage/attempts.ts'
import { applyDraftEvent, draftsInNeed, type KnownCopy, knownCopies } from '../storage/draft-states.ts'
import { endPendingImport } from '../storage/imports.ts'
import { type Losses, seenFolder, setSeenFolder } from '../storage/folders.ts'
import { findResponder } from '../storage/responders.ts'
import { presentUids, type ReconcilePlan, reconcilePlan } from '../sync/reconcile-plan.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../wire/mailbox.ts'
import { lookIntoInbox } from './steps/answer-mail.ts'
import { applyLosses } from './steps/apply-losses.ts'
import { lookForBounces, oldestSend } from './steps/bounce-watch.ts'
import { lookForOutcomes } from './steps/look-into-sent.ts'
import { resolveAttempts } from './steps/resolve-attempts.ts'
import { draftsFolder, forgetDraftsFolder } from './steps/special-folders.ts'
import { explore } from './steps/explore.ts'
import { isMessage } from './steps/verify-copy.ts'
import { done, type ExecuteContext, type FollowUp, syncAfter, uploadInNeed, type WireTask } from './task.ts'

/** How soon to look again at a name that is missing: a complete round must confirm it before a draft is purged. */
const confirmDelayMs = 60_000

/** One complete round over the Drafts folder: what is there is compared with what we know, and the table is applied. */
export const mailboxSync: WireTask = {
  name: 'mailbox_sync',
  lane: 'mailbox',
  priority: 20,
  async execute(context) {
    const session = await context.session()
    const uncertain = await context.store.read((db) => draftsWithOpenAttempts(db, context.accountId))
    for (const draftId of uncertain) await resolveAttempts(context, session, draftId)
    const round = await reconcileDrafts(context, session)
    context.watch()
    const answers = await context.store.read((db) => findResponder(db, context.accountId))
    const inbox = answers === null ? [] : [lookIntoInbox(context.accountId, 0)]
    const uploads = await uploadsInNeed(context)
    const bounces = (await oldestSend(context)) === null ? [] : [lookForBounces(context.accountId, 0)]
    const outcomes = await lookForOutcomes(context)
    const again = round.missing ? Math.min(confirmDelayMs, context.pollMs) : context.pollMs
    return done(...round.imports, ...uploads, ...inbox, ...bounces, ...outcomes, syncAfter(context.accountId, again))
  },
}

interface Round {
  /** A loss waits to be confirmed by another round. */
  readonly missing: boolean
  /** What was taken in with its text alone, to be brought here whole. */
  readonly imports: readonly FollowUp[]
}

async function reconcileDrafts(context: ExecuteContext, session: MailboxSession): Promise<Round> {
  const { accountId } = context
  const seen = await context.store.read((db) => seenFolder(db, accountId, 'drafts'))
  const path = await draftsFolder(session)
  const mark = seen?.path === path ? seen : null
  const look = path === null ? null : await session.changes(path, mark)
  if (look === null) {
    forgetDraftsFolder(session)
    const other = path === null ? null : await draftsFolder(session)
    // Renamed by somebody: what is in it is known again before anything is uploaded.
    if (other !== null && other !== path) return await reconcileDrafts(context, session)
    // Deleted by somebody: what was in it is uploaded again, never purged.
    if (seen !== null) await forgetFolder(context, seen.path)
    return { missing: false, imports: [] }
  }
  const { folder } = look
  const { known, attempting } = await context.store.read(async (db) => ({
    known: await knownCopies(db, accountId, folder.path),
    attempting: await draftsWithOpenAttempts(db, accountId),
  }))
  const told = presentUids(look, seen, known)
  // A server that was restored from a backup does not tell what it has forgotten: the number of messages shows it.
  const uids = told.length === folder.exists ? told : await session.uids()
  const plan = reconcilePlan({ seen, folder, uids, known, attempting })
  const identities = plan.kind === 'reset' ? [] : await lookAt(session, plan, look.added)
  const spoilt = plan.kind === 'compare' && plan.probes.some((copy) => !isStill(copy, identities))
  if (plan.kind === 'reset' || spoilt) {
    if (seen !== null && seen.path !== folder.path) await forgetFolder(context, seen.path)
    await forgetFolder(context, folder.path)
    const found = await lookAtAll(session, uids, look.added)
    const imports = await explore(context, session, folder, found, [])
    await rememberFolder(context, folder, lookedAt(uids, found), seen?.losses === 'hold' ? 'hold' : 'apply')
    return { missing: false, imports }
  }
  const unexplored = new Set(plan.unexplored)
  const imports = await explore(
    context,
    session,
    folder,
    identities.filter((identity) => unexplored.has(identity.uid)),
    plan.vanished.map(({ copy }) => copy),
  )
  const { missing, losses } = await applyLosses(context, session, { folder, seen, known, plan })
  await sawAgain(context, plan.seenAgain)
  await rememberFolder(context, folder, lookedAt(uids, identities), losses)
  return { missing, imports }
}

async function lookAt(
  session: MailboxSession,
  plan: Extract<ReconcilePlan, { kind: 'compare' }>,
  read: readonly MessageIdentity[],
): Promise<readonly MessageIdentity[]> {
  return await lookAtAll(session, [...plan.unexplored, ...plan.probes.map((copy) => copy.receipt.uid)], read)
}

/** `read`: what the server has told already. */
async function lookAtAll(
  session: MailboxSession,
  uids: readonly Uid[],
  read: readonly MessageIdentity[],
): Promise<readonly MessageIdentity[]> {
  const told = new Map(read.map((identity) => [identity.uid, identity]))
  const untold = uids.filter((uid) => !told.has(uid)).toSorted((a, b) => a - b)
  const asked = untold.length === 0 ? [] : await session.identities(untold)
  return [...uids.flatMap((uid) => told.get(uid) ?? []), ...asked].toSorted((a, b) => a.uid - b.uid)
}

/** What is marked \\Deleted is nobody's yet: the mark may be taken back. */
function lookedAt(uids: readonly Uid[], identities: readonly MessageIdentity[]): readonly Uid[] {
  const marked = new Set(identities.filter(({ deleted }) => deleted).map(({ uid }) => uid))
  return uids.filter((uid) => !marked.has(uid))
}

function isStill({ receipt }: KnownCopy, identities: readonly MessageIdentity[]): boolean {
  const identity = identities.find((one) => one.uid === receipt.uid)
  return identity === undefined || isMessage(identity, receipt)
}

/** The UIDs of a folder mean nothing any more: names, anchors and debts lose theirs, and the texts stay. */
async function forgetFolder(context: ExecuteContext, folder: FolderPath): Promise<void> {
  await context.write(async (write) => {
    const known = await knownCopies(write.db, context.accountId, folder)
    for (const draftId of new Set(known.map((copy) => copy.draftId))) {
      await applyDraftEvent(
        write,
        draftId,
        { type: 'folder-reset', accountId: context.accountId, folder },
        context.environment.now(),
      )
      // Its text alone is not worth a copy: the message itself is taken in anew.
      if (await endPendingImport(write.db, draftId)) {
        await applyDraftEvent(write, draftId, { type: 'discarded' }, context.environment.now())
      }
    }
  })
}

async function sawAgain(context: ExecuteContext, copies: readonly KnownCopy[]): Promise<void> {
  for (const { draftId } of copies) {
    await context.write((write) => applyDraftEvent(write, draftId, { type: 'name-seen' }, context.environment.now()))
  }
}

async function rememberFolder(
  context: ExecuteContext,
  folder: FolderState,
  uids: readonly Uid[],
  losses: Losses,
): Promise<void> {
  const { accountId } = context
  await context.write(async ({ db }) => {
    const ours = new Set((await knownCopies(db, accountId, folder.path)).map((copy) => copy.receipt.uid))
    await setSeenFolder(db, accountId, 'drafts', {
      path: folder.path,
      uidValidity: folder.uidValidity,
      uidNext: folder.uidNext ?? (((uids.at(-1) ?? 0) + 1) as Uid),
      highestModseq: folder.highestModseq,
      others: new Set(uids.filter((uid) => !ours.has(uid))),
      seenAt: context.environment.now(),
      newestAt: null,
      losses,
    })
  })
}

async function uploadsInNeed(context: ExecuteContext): Promise<readonly FollowUp[]> {
  const drafts = await context.store.read((db) => draftsInNeed(db, context.accountId))
  return drafts.map((draft) => ({ ...uploadInNeed(draft), urgent: context.urgent }))
}
