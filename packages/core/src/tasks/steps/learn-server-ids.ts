import type { Umid } from '../../ids.ts'
import { type DraftStand, type SeenCopy, setOutcomeSight, type Sight } from '../../storage/outcome-traces.ts'
import type { MailboxSession } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import type { Chain } from './draft-traces.ts'
import { draftsFolder } from './special-folders.ts'

/**
 * What the server calls a message by itself: where a draft becomes the mail, it is the same. Asked for once of each copy.
 * @returns what it is now known by, of those of which more is known
 */
export async function learnServerIds(
  context: ExecuteContext,
  session: MailboxSession,
  { chains, sights }: { readonly chains: readonly Chain[]; readonly sights: ReadonlyMap<Umid, Sight> },
): Promise<ReadonlyMap<Umid, Sight>> {
  const { objectId, gmail } = session.capabilities
  if (!objectId && !gmail) return new Map()
  const unknown = chains.flatMap(({ draftId, links }) => {
    const copies = sights.get(draftId)?.copies ?? []
    return links.filter((link) => isThere(link) && !isKnown(link, copies)).map((link) => ({ draftId, link }))
  })
  const path = unknown.length === 0 ? null : await draftsFolder(session)
  const folder = path === null ? null : await session.select(path, 'read-only')
  if (folder === null) return new Map()
  const named = unknown.flatMap(({ draftId, link: { name } }) =>
    name?.folder === folder.path && name.uidValidity === folder.uidValidity ? [{ draftId, uid: name.uid }] : [],
  )
  const { uidValidity } = folder
  const learnt = new Map<Umid, SeenCopy[]>()
  for (const { uid, emailId, gmailMessageId } of await session.details(named.map((one) => one.uid))) {
    const draftId = named.find((one) => one.uid === uid)?.draftId
    if (draftId === undefined) continue
    const ids = [emailId, gmailMessageId].filter((id) => id !== null)
    learnt.set(draftId, [...(learnt.get(draftId) ?? []), { uidValidity, uid, ids }])
  }
  if (learnt.size === 0) return new Map()
  const { accountId, environment } = context
  const known = new Map(
    [...learnt].map(([draftId, copies]): [Umid, Sight] => {
      const sight = sights.get(draftId) ?? { ...noSight, seenAt: environment.now() }
      return [draftId, { ...sight, copies: [...sight.copies, ...copies] }]
    }),
  )
  await context.write(async ({ db }) => {
    for (const [draftId, sight] of known) await setOutcomeSight(db, accountId, draftId, sight)
  })
  return known
}

const noSight = { goneAt: null, copies: [] } as const

function isThere({ name, missingSince }: DraftStand): boolean {
  return name !== null && missingSince === null
}

function isKnown({ name }: DraftStand, copies: readonly SeenCopy[]): boolean {
  return copies.some(({ uidValidity, uid }) => uidValidity === name?.uidValidity && uid === name.uid)
}
