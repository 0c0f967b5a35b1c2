import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, draftsOnDisk, hasTables } from './stored.ts'

/** Each finds rows that must not be. */
const questions: readonly (readonly [what: string, sql: string])[] = [
  ['a name without its attempt', missingAttempt('server_name')],
  ['an anchor without its attempt', missingAttempt('anchor')],
  ['a debt without its attempt', missingAttempt('delete_debt')],
  [
    'a synchronized draft without a name, or a name of another',
    `select d.id from draft d left join server_name n on n.draft_id = d.id
     where (d.sync_state = 'synchronized') <> (n.draft_id is not null)`,
  ],
  [
    'a name of another revision than the head',
    'select d.id from draft d join server_name n on n.draft_id = d.id where n.version <> d.version',
  ],
  [
    'an anchor of a draft that is not stale',
    "select d.id from draft d join anchor a on a.draft_id = d.id where d.sync_state <> 'stale-server'",
  ],
  [
    'a copy that is kept and owed',
    `select d.draft_id from delete_debt d join (select * from anchor union all select draft_id, account_id, folder,
     uid_validity, uid, message_id, version, attempt_id from server_name) k
     on k.account_id = d.account_id and k.folder = d.folder and k.uid_validity = d.uid_validity and k.uid = d.uid`,
  ],
  [
    'an attempt without its draft',
    'select a.id from attempt a left join draft d on d.id = a.draft_id where d.id is null',
  ],
  [
    'an attempt whose revision was never made',
    'select a.id from attempt a join draft d on d.id = a.draft_id where a.version > d.version',
  ],
  [
    'a reference to a blob that is not whole',
    'select r.holder from blob_ref r join blob b on b.id = r.blob_id where b.complete = 0',
  ],
  [
    'a reference whose holder is gone',
    `select r.holder from blob_ref r left join draft d on d.id = r.holder
     where d.id is null and r.holder not in (select id from send)`,
  ],
  [
    'a frozen mail whose bytes are not held',
    `select s.id from send s where json_extract(s.facts, '$.frozen') is not null and not exists (
       select 1 from blob_ref r join blob b on b.id = r.blob_id
       where r.holder = s.id and b.sha256 = json_extract(s.facts, '$.frozen.sha256'))`,
  ],
  [
    'a draft in the outbox at another revision than was consented to',
    `select d.id from draft d join send s on s.draft_id = d.id
     where d.status in ('queued', 'sending', 'sent') and s.ended_at is null
     and s.phase not in ('cancelled', 'failed') and json_extract(s.state, '$.version') <> d.version`,
  ],
  [
    'a draft in the outbox without a consent',
    `select d.id from draft d where d.status in ('queued', 'sending', 'sent') and not exists (
       select 1 from send s where s.draft_id = d.id and s.phase not in ('cancelled', 'failed'))`,
  ],
  [
    'a whole blob with chunks missing',
    `select b.id from blob b where b.complete = 1
     and b.size <> (select coalesce(sum(length(c.bytes)), 0) from blob_chunk c where c.blob_id = b.id)`,
  ],
  [
    'a task in a lane that is not there',
    'select t.id from task t left join lane l on l.id = t.lane and l.seq = t.lane_seq where l.id is null',
  ],
  [
    'a lane that is busy with other than one task',
    `select l.id from lane l
     where l.busy <> (select count(*) from task t where t.lane = l.id and t.state = 'running')`,
  ],
]

/** With the tables that the answer depends on. */
const questionsOfTables = questions.map(([what, sql]) => ({
  what,
  sql,
  tables: [...new Set([...sql.matchAll(/\b(?:from|join) (\w+)/g)].map(([, table = '']) => table))],
}))

function missingAttempt(table: string): string {
  return `select c.draft_id from ${table} c left join attempt a
    on a.id = c.attempt_id and a.draft_id = c.draft_id and a.version = c.version where a.id is null`
}

/** Written only by work on the wire, which holds a claim of its lane. */
const claimedTables = ['attempt', 'folder'] as const

/** Invariant 6: no write under a stale fence, and no dangling root. */
export function nothingDangles(world: World): Checker {
  const { disk } = world
  const { database } = disk
  const fences = new Map<string, number>()
  /** For each question the writes to its tables before it was asked last, when nothing was found. */
  const wellAfter = new Map<string, string>()
  let watching = false
  let seen = -1

  /** Notes each row that is written while no lane of its account is claimed. */
  function watch(): void {
    if (watching) return
    watching = true
    if (ask(database, "select 1 from sqlite_temp_master where name = 'unclaimed'").length > 0) return
    database.exec('create temp table unclaimed (what text not null)')
    for (const table of claimedTables) {
      for (const event of ['insert', 'update']) {
        database.exec(
          `create temp trigger unclaimed_${event}_${table} after ${event} on main.${table}
           when not exists (select 1 from main.lane where busy = 1 and account_id = new.account_id)
           begin insert into unclaimed values ('${event} ${table}'); end`,
        )
      }
    }
  }

  function fencesGoBack(): readonly string[] {
    const rows = ask<{ readonly id: string; readonly fence: number }>(database, 'select id, fence from lane')
    return rows.flatMap(({ id, fence }) => {
      const before = fences.get(id) ?? 0
      fences.set(id, fence)
      return fence < before ? [`the fence of ${id} went back from ${before} to ${fence}`] : []
    })
  }

  function attachmentsWithoutBlob(): readonly string[] {
    const sql =
      'select r.holder || b.sha256 as held from blob_ref r join blob b on b.id = r.blob_id where b.complete = 1'
    const held = new Set(ask<{ readonly held: string }>(database, sql).map((row) => row.held))
    return draftsOnDisk(database).flatMap(({ id, content }) =>
      content.attachments
        .filter((attachment) => !held.has(`${id}${attachment.sha256}`))
        .map((attachment) => `${id} names the attachment ${attachment.sha256}, and does not hold it`),
    )
  }

  return {
    invariant: '6: no write under a stale fence, nothing dangles',
    check() {
      if (disk.commits === seen || !hasTables(database)) return []
      seen = disk.commits
      watch()
      const rows = questionsOfTables.flatMap(({ what, sql, tables }) => {
        const writes = tables.map((table) => disk.touched(table)).join()
        if (wellAfter.get(what) === writes) return []
        const found = ask<object>(database, sql)
        if (found.length === 0) wellAfter.set(what, writes)
        return found.map((row) => `${what}: ${Object.values(row).join(' ')}`)
      })
      const unclaimed = ask<{ readonly what: string }>(database, 'select what from temp.unclaimed')
      const withoutClaim = unclaimed.map((row) => `a write without a claim: ${row.what}`)
      return [...rows, ...withoutClaim, ...fencesGoBack(), ...attachmentsWithoutBlob()]
    },
  }
}
