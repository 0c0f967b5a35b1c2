import type { AccountId } from '../ids.ts'
import { accountProbe } from '../storage/account-probes.ts'
import { getAccount } from '../storage/accounts.ts'
import { editCosts } from '../sync/account-probe.ts'
import { probeAccount } from '../tasks/steps/probe-account.ts'
import { findSpecialFolder, newDraftsFolder } from '../tasks/steps/special-folders.ts'
import { type MailboxCapabilities, type MailboxSession, WireError } from '../wire/mailbox.ts'
import type { AccountReport, SubmissionReport } from './api.ts'
import type { EngineParts } from './parts.ts'

/**
 * Looks at an account's servers over connections of its own, so that what runs in the account's lane finds selected what it
 * selected (docs/adr/0007).
 * @throws {WireError} where the mailbox cannot be entered
 */
export async function verifyAccount(parts: EngineParts, id: AccountId): Promise<AccountReport> {
  const { store, sessions } = parts
  await store.read((db) => getAccount(db, id))
  sessions.allow(id)
  const [mailbox, submission] = await Promise.all([
    sessions.beside(id, (session) => lookAtMailbox(parts, id, session)),
    lookAtSubmission(parts, id),
  ])
  return { ...mailbox, filesSentCopies: 'unknown', submission }
}

async function lookAtMailbox(
  parts: EngineParts,
  accountId: AccountId,
  session: MailboxSession,
): Promise<Omit<AccountReport, 'filesSentCopies' | 'submission'>> {
  const { store, environment } = parts
  const { capabilities } = session
  const folders = await session.folders()
  const drafts = findSpecialFolder(folders, 'drafts')
  const folder = drafts === null ? null : await session.select(drafts)
  if (folder !== null && parts.probes) {
    await probeAccount({ accountId, store, environment, write: (change) => store.write(change) }, session, folder)
  }
  const probe = await store.read((db) => accountProbe(db, accountId))
  const editCost = editCosts(capabilities)
  return {
    capabilities,
    draftsFolder: drafts,
    sentFolder: findSpecialFolder(folders, 'sent'),
    trashFolder: findSpecialFolder(folders, 'trash'),
    toCreate: drafts === null ? { path: newDraftsFolder, withSpecialUse: capabilities.createSpecialUse } : null,
    uploadMethod: editCost.withAttachment.method,
    editCost,
    push: pushOf(capabilities),
    quotaLeft: drafts === null ? null : await session.quotaLeft(drafts),
    probe:
      probe === null
        ? null
        : {
            at: probe.at,
            serverId: probe.serverId,
            survival: probe.survival,
            refusal: probe.refusal,
            messageLeft: probe.left !== null,
          },
  }
}

function pushOf({ notify, idle }: MailboxCapabilities): AccountReport['push'] {
  if (notify) return 'notify'
  return idle ? 'idle' : 'poll'
}

/** Logs in and asks what the server can do; nothing is sent. */
async function lookAtSubmission(parts: EngineParts, accountId: AccountId): Promise<SubmissionReport | null> {
  const { submission, logIns, closing, environment } = parts
  if (submission === null) return null
  const settings = await logIns.settings(accountId, 'smtp')
  if (settings === null) return null
  try {
    const session = await submission.connect(settings, { signal: closing, timeoutMs: parts.wireTimeoutMs })
    const { capabilities } = session
    // A QUIT that fails has ended the connection all the same.
    await session.close().catch(() => {})
    return { kind: 'ok', capabilities }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return { kind: 'failed', error: { code: error.code, message: error.message, at: environment.now() } }
  }
}
