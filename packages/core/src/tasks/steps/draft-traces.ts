import type { DraftTrace, Whereabouts } from '../../correlation/evidence.ts'
import type { Umid, Version } from '../../ids.ts'
import { noMessageId } from '../../storage/attempts.ts'
import type { Db } from '../../storage/db.ts'
import {
  copiesOf,
  type DraftStand,
  draftStands,
  draftWords,
  sendsOf,
  type Sight,
  successorStands,
} from '../../storage/outcome-traces.ts'
import { revisionContent } from '../../storage/revisions.ts'
import { sentMark } from '../../sync/message-ids.ts'
import type { ExecuteContext } from '../task.ts'

/** A draft, and what other programs made of it in Drafts, one of the other. */
export interface Chain {
  readonly draftId: Umid
  readonly links: readonly [DraftStand, ...DraftStand[]]
}

/** Those of the drafts that are still known here, with their successors. */
export async function chainsOf(db: Db, ids: readonly Umid[]): Promise<readonly Chain[]> {
  const own = await draftStands(db, ids)
  const known = new Map(own.map((stand) => [stand.draftId, stand]))
  const next = new Map<Umid, DraftStand>()
  for (let level: readonly DraftStand[] = own; level.length > 0;) {
    const found = await successorStands(
      db,
      level.map(({ draftId }) => draftId),
    )
    level = found.filter(({ draftId }) => !known.has(draftId))
    for (const stand of level) {
      known.set(stand.draftId, stand)
      const { succeeds } = stand
      const rival = succeeds === null ? undefined : next.get(succeeds)
      // Of several the newest: that is what the person goes on with.
      if (succeeds !== null && (rival === undefined || rival.createdAt <= stand.createdAt)) next.set(succeeds, stand)
    }
  }
  return own.map((stand): Chain => {
    const links: [DraftStand, ...DraftStand[]] = [stand]
    for (let at = next.get(stand.draftId); at !== undefined; at = next.get(at.draftId)) links.push(at)
    return { draftId: stand.draftId, links }
  })
}

/** Where the last link of the chain is now; `seenAt`: when Drafts was looked at before, as it was there then. */
export function whereaboutsOf(
  { links }: Chain,
  sight: Sight | null,
  { seenAt, now }: { seenAt: number; now: number },
): Whereabouts {
  const { status, isPurged, trashedAt, missingSince, createdAt } = links.at(-1) ?? links[0]
  if (status === 'discarded' && !isPurged) return { kind: 'discarded', at: trashedAt ?? now }
  if (status !== 'discarded' && missingSince === null) return { kind: 'there', seenAt: now }
  if (sight !== null && sight.goneAt !== null) return { kind: 'gone', seenAt: sight.seenAt, goneAt: sight.goneAt }
  const goneAt = missingSince ?? trashedAt ?? now
  return { kind: 'gone', seenAt: Math.min(goneAt, Math.max(seenAt, createdAt)), goneAt }
}

/** As the program gave it. */
const firstVersion = 1 as Version

/** All that the drafts may be known again by. */
export async function tracesOf(
  { environment }: Pick<ExecuteContext, 'environment'>,
  db: Db,
  chains: readonly Chain[],
  seen: { readonly whereabouts: ReadonlyMap<Umid, Whereabouts>; readonly sights: ReadonlyMap<Umid, Sight> },
): Promise<readonly DraftTrace[]> {
  const ids = chains.flatMap(({ links }) => links.map(({ draftId }) => draftId))
  const words = await draftWords(db, ids)
  const copies = await copiesOf(db, ids)
  const sends = await sendsOf(db, ids)
  const traces: DraftTrace[] = []
  for (const { draftId, links } of chains) {
    const own = words.get(draftId)
    const whereabouts = seen.whereabouts.get(draftId)
    if (own === undefined || whereabouts === undefined) continue
    const [{ createdAt, version, name }, ...successors] = links
    const all = links.flatMap((link) => copies.get(link.draftId) ?? [])
    const uploads = all.filter(({ isUpload }) => isUpload).map(({ messageId }) => messageId)
    const imports = all.filter(({ isUpload }) => !isUpload).map(({ messageId }) => messageId)
    // A server that gives each message another Message-ID: then the copy goes by that one.
    const renamed = [name?.messageId ?? noMessageId].filter((id) => id !== noMessageId && !imports.includes(id))
    const written = version === 1 ? own.content : await revisionContent(db, draftId, firstVersion, own.content)
    const later = successors.flatMap((link) => words.get(link.draftId)?.content ?? [])
    const edited = version === 1 || written === null ? [] : [own.content]
    traces.push({
      draftId,
      createdAt,
      token: own.token,
      sentMark: sentMark(own.token, environment.createSha256()),
      uploadIds: [...uploads, ...renamed],
      successorIds: [...imports, ...successors.flatMap((link) => link.name?.messageId ?? [])],
      submissionIds: links
        .flatMap((link) => sends.get(link.draftId) ?? [])
        .flatMap(({ messageId, facts }) => [messageId, facts.providerMessageId ?? messageId]),
      serverIds: seen.sights.get(draftId)?.copies.flatMap((copy) => copy.ids) ?? [],
      versions: [written ?? own.content, ...edited, ...later],
      whereabouts,
    })
  }
  return traces
}
