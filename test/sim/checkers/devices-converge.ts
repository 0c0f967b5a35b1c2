import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, draftsOnDisk } from './stored.ts'

/**
 * Invariant 7: at quiescence all devices hold the same texts, and no device has parted more drafts than there were edits that could
 * cross another: none where the devices took turns.
 *
 * It catches: an edit of another device that is taken for a fork.
 */
export function devicesConverge(worlds: readonly World[], crossingEdits: () => number): Checker {
  return {
    invariant: '7: devices converge, and forks ≤ concurrent edits',
    check() {
      const aside = new Set(worlds.flatMap(aloneWith))
      const [first = [], ...others] = worlds.map((world) => textsOf(world, aside))
      const apart = others.flatMap((texts, index) => {
        if (JSON.stringify(texts) === JSON.stringify(first)) return []
        const only = first.filter((text) => !texts.includes(text))
        const there = texts.filter((text) => !first.includes(text))
        return [`device 1 has ${only.join() || 'no more'}, device ${index + 2} has ${there.join() || 'no more'}`]
      })
      const forks = worlds.map(forksOf)
      const isTooMany = Math.max(...forks) > crossingEdits()
      return [...apart, ...(isTooMany ? [`${forks.join(' and ')} drafts parted, with ${crossingEdits()} edits`] : [])]
    },
  }
}

/** What one device alone says something about: its outbox, and what is parked, which says why it is not on the server. */
function aloneWith({ disk }: World): readonly string[] {
  const sql = `select id from draft where status in ('queued', 'sending', 'sent')
    or id in (select key from task where state = 'parked')`
  return ask<{ readonly id: string }>(disk.database, sql).map(({ id }) => id)
}

function textsOf({ disk }: World, aside: ReadonlySet<string>): readonly string[] {
  const sql = 'select id, succeeds from draft where succeeds is not null'
  const links = ask<{ readonly id: string; readonly succeeds: string }>(disk.database, sql)
  const left = new Set(links.filter(({ succeeds }) => aside.has(succeeds)).map(({ id }) => id))
  return draftsOnDisk(disk.database)
    .filter(({ id, status }) => status === 'draft' && !aside.has(id) && !left.has(id))
    .map(({ content: { to, cc, bcc, subject, text, attachments } }) =>
      JSON.stringify({ to, cc, bcc, subject, text, attachments: attachments.map(({ sha256 }) => sha256).toSorted() }),
    )
    .toSorted()
}

function forksOf({ disk }: World): number {
  return ask(disk.database, 'select 1 from draft where succeeds is not null').length
}
