import { type Kysely, sql } from 'kysely'

import { EverdraftError } from '../errors.ts'
import { beginWrite, type Family } from './family.ts'
import { toPostgres } from './postgres-ddl.ts'
import type { Schema } from './schema.ts'
import { tellBothWays } from './tell-both-ways.ts'

/** In SQLite's words, which `toPostgres` brings into the others'; what is another thing there is written twice. */
type Statement = string | Readonly<Record<Family, readonly string[]>> | Rewrite

/** What no statement can say. It reads the tables as they are at this step, and its own code, which a later version leaves alone. */
type Rewrite = (db: Kysely<Schema>) => Promise<void>

const countIn = `insert into draft_count (account_id, status, sync_state, drafts)
  select new.account_id, new.status, new.sync_state, 1 where true
  on conflict (account_id, status, sync_state) do update set drafts = draft_count.drafts + 1;`
const countOut = `update draft_count set drafts = drafts - 1
  where account_id = old.account_id and status = old.status and sync_state = old.sync_state;`

/** Only added to: a released step never changes, tables are STRICT, ids are never reused. */
const steps: readonly (readonly Statement[])[] = [
  [
    `create table account (
      id text primary key, tenant_id text not null, user_id text not null, address text not null, name text not null,
      imap text not null, smtp text, last_error text, last_used_at integer not null, created_at integer not null
    ) strict`,
    `create table account_secret (
      account_id text not null references account (id) on delete cascade, kind text not null, secret text not null,
      primary key (account_id, kind)
    ) strict`,
    `create table draft (
      id text primary key, account_id text not null references account (id), token text not null unique,
      status text not null, sync_state text not null, policy text not null, version integer not null,
      content text not null, scheduled_send_at integer, succeeds text,
      created_at integer not null, updated_at integer not null, trashed_at integer
    ) strict`,
    `create index draft_by_change on draft (account_id, updated_at desc, id)`,
    `create table revision (
      draft_id text not null references draft (id), version integer not null, content text not null,
      saved_at integer not null, device text not null, author text not null, fields_changed text not null,
      primary key (draft_id, version)
    ) strict`,
    `create table server_name (
      draft_id text primary key references draft (id), account_id text not null, folder text not null,
      uid_validity integer not null, uid integer not null, message_id text not null, version integer not null,
      attempt_id text not null, missing_since integer,
      unique (account_id, folder, uid_validity, uid)
    ) strict`,
    `create table anchor (
      draft_id text primary key references draft (id), account_id text not null, folder text not null,
      uid_validity integer not null, uid integer not null, message_id text not null, version integer not null,
      attempt_id text not null,
      unique (account_id, folder, uid_validity, uid)
    ) strict`,
    `create table delete_debt (
      id integer primary key autoincrement, draft_id text not null references draft (id), account_id text not null,
      folder text not null, uid_validity integer not null, uid integer not null, message_id text not null,
      version integer not null, attempt_id text not null,
      unique (account_id, folder, uid_validity, uid)
    ) strict`,
    `create index delete_debt_by_draft on delete_debt (draft_id)`,
    `create table attempt (
      id text primary key, account_id text not null, draft_id text not null references draft (id),
      version integer not null, message_id text not null, base_message_id text, digest text not null,
      method text not null, folder text not null, uid_validity integer not null, uid_next integer,
      parts text not null, size integer not null, state text not null, bytes_sent integer not null,
      created_at integer not null, ended_at integer,
      unique (account_id, message_id)
    ) strict`,
    `create index attempt_by_draft on attempt (draft_id, created_at)`,
    `create table folder (
      account_id text not null references account (id), role text not null, path text not null,
      uid_validity integer not null, uid_next integer not null, seen_at integer not null,
      primary key (account_id, role)
    ) strict`,
    `create table blob (
      id integer primary key autoincrement, account_id text not null, sha256 text not null, size integer not null,
      complete integer not null, created_at integer not null
    ) strict`,
    `create unique index blob_by_hash on blob (account_id, sha256) where complete = 1`,
    `create table blob_chunk (
      blob_id integer not null references blob (id) on delete cascade, seq integer not null, bytes blob not null,
      primary key (blob_id, seq)
    ) strict`,
    `create table blob_ref (
      holder text not null, blob_id integer not null references blob (id), primary key (holder, blob_id)
    ) strict, without rowid`,
    `create index blob_ref_by_blob on blob_ref (blob_id)`,
    `create table task (
      seq integer primary key autoincrement, id text not null unique, account_id text not null, lane text not null,
      kind text not null, key text not null, state text not null, priority integer not null,
      attempts integer not null, connect_failures integer not null, superseded integer not null,
      run_at integer not null, requested_at integer not null, last_error text, created_at integer not null
    ) strict`,
    // At most one row that is not running per thing to do: newer requests join it.
    `create unique index task_joined on task (account_id, kind, key) where state <> 'running'`,
    `create index task_due on task (lane, priority desc, seq) where state = 'waiting'`,
    `create table lane (
      id text primary key, account_id text not null, busy integer not null, fence integer not null
    ) strict`,
  ],
  [
    `alter table revision add column encoding text not null default 'full'`,
    `alter table revision add column bytes integer not null default 0`,
    `create table event (
      seq integer primary key autoincrement, account_id text not null, at integer not null, payload text not null
    ) strict`,
    `create table task_step (
      seq integer primary key autoincrement, task_id text not null, account_id text not null, kind text not null,
      key text not null, at integer not null, what text not null, error text
    ) strict`,
    `create index task_step_by_task on task_step (task_id, seq)`,
    `create index task_step_by_age on task_step (at)`,
    `create table conflict (
      id text primary key, draft_id text not null references draft (id), account_id text not null,
      base_version integer not null, remote_version integer not null,
      base text not null, local text not null, remote text not null, fields text not null,
      device text not null, author text not null, created_at integer not null, resolved_at integer, strategy text
    ) strict`,
    `create index conflict_by_draft on conflict (draft_id)`,
    `create table template (
      id text primary key, account_id text not null references account (id), name text not null, content text not null,
      created_at integer not null, updated_at integer not null
    ) strict`,
    `create index template_by_account on template (account_id, name)`,
    `create table lease (
      draft_id text not null references draft (id), device text not null, base_version integer not null,
      expires_at integer not null, primary key (draft_id, device)
    ) strict`,
    // The lists' own order, so that none is sorted.
    `drop index draft_by_change`,
    `create index draft_by_account on draft (account_id, updated_at desc, id desc)`,
    `create index draft_by_time on draft (updated_at desc, id desc)`,
    `create index task_by_key on task (key, kind)`,
    `create index attempt_stored on attempt (draft_id, created_at) where state = 'stored'`,
    `create index task_waiting on task (lane, run_at) where state = 'waiting'`,
    `create index task_by_account on task (account_id, state, run_at)`,
    `alter table folder add column others text not null default ''`,
    `alter table folder add column losses text not null default 'apply'`,
    `alter table draft add column emptied_at integer`,
    `alter table draft add column indexed_version integer not null default 0`,
    `create index draft_to_index on draft (id) where indexed_version < version`,
    {
      sqlite: [
        `create virtual table draft_search using fts5 (
      draft_id unindexed, account_id unindexed, subject, people, body, files,
      tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4'
    )`,
      ],
      postgres: [
        `create table draft_search (
          draft_id text collate "C" primary key, account_id text collate "C" not null, subject text not null,
          people text not null, body text not null, files text not null, words tsvector not null
        )`,
        `create index draft_search_by_word on draft_search using gin (words)`,
        `create index draft_search_by_account on draft_search (account_id)`,
      ],
    },
    `create index draft_in_trash on draft (trashed_at) where trashed_at is not null`,
  ],
  [`alter table blob add column place text not null default 'database'`],
  [
    // How many drafts a list has, without counting them. Kept by the database, so that nobody who writes can forget it.
    `create table draft_count (
      account_id text not null, status text not null, sync_state text not null, drafts integer not null,
      primary key (account_id, status, sync_state)
    ) strict`,
    `insert into draft_count (account_id, status, sync_state, drafts)
      select account_id, status, sync_state, count(*) from draft where emptied_at is null
      group by account_id, status, sync_state`,
    {
      sqlite: [
        `create trigger draft_counted_in after insert on draft when new.emptied_at is null begin ${countIn} end`,
        `create trigger draft_counted_out after delete on draft when old.emptied_at is null begin ${countOut} end`,
        `create trigger draft_counted_anew after update of account_id, status, sync_state, emptied_at on draft
          when old.account_id <> new.account_id or old.status <> new.status or old.sync_state <> new.sync_state
            or (old.emptied_at is null) <> (new.emptied_at is null)
          begin
            ${countOut.replace(';', ' and old.emptied_at is null;')}
            ${countIn.replace('where true', 'where new.emptied_at is null')}
          end`,
        // Which row of the index is a draft's: FTS5 finds its own rows by number only, and reads all for anything else.
        `create table search_row (
          id integer primary key autoincrement, draft_id text not null unique references draft (id) on delete cascade
        ) strict`,
        `insert into search_row (id, draft_id) select rowid, draft_id from draft_search`,
      ],
      postgres: [
        `create function count_drafts() returns trigger language plpgsql as $$
          begin
            if tg_op <> 'INSERT' and old.emptied_at is null then ${countOut} end if;
            if tg_op <> 'DELETE' and new.emptied_at is null then ${countIn} end if;
            return null;
          end $$`,
        `create trigger draft_counted after insert or delete on draft for each row execute function count_drafts()`,
        `create trigger draft_counted_anew after update of account_id, status, sync_state, emptied_at on draft
          for each row execute function count_drafts()`,
      ],
    },
  ],
  [
    // Other programs give one Message-ID to several messages: what is taken in from them is no longer unique by it.
    `create table attempt_3 (
      id text primary key, account_id text not null, draft_id text not null references draft (id),
      version integer not null, message_id text not null, base_message_id text, digest text not null,
      method text not null, folder text not null, uid_validity integer not null, uid_next integer,
      parts text not null, size integer not null, state text not null, bytes_sent integer not null,
      created_at integer not null, ended_at integer
    ) strict`,
    `insert into attempt_3 (
      id, account_id, draft_id, version, message_id, base_message_id, digest, method, folder, uid_validity, uid_next,
      parts, size, state, bytes_sent, created_at, ended_at
    ) select
      id, account_id, draft_id, version, message_id, base_message_id, digest, method, folder, uid_validity, uid_next,
      parts, size, state, bytes_sent, created_at, ended_at
    from attempt`,
    `drop table attempt`,
    `alter table attempt_3 rename to attempt`,
    `create index attempt_by_draft on attempt (draft_id, created_at)`,
    `create index attempt_stored on attempt (draft_id, created_at) where state = 'stored'`,
    `create index attempt_by_message on attempt (account_id, message_id)`,
    `create index attempt_by_base on attempt (account_id, base_message_id) where base_message_id is not null`,
    `create index draft_by_predecessor on draft (succeeds) where succeeds is not null`,
    `alter table folder add column highest_modseq text`,
    `alter table draft add column purged integer not null default 0`,
    `alter table task add column urgent integer not null default 0`,
    `create table pending_import (
      draft_id text primary key references draft (id), account_id text not null, folder text not null,
      uid_validity integer not null, uid integer not null, size integer not null, created_at integer not null
    ) strict`,
    `create table download (
      account_id text not null, folder text not null, uid_validity integer not null, uid integer not null,
      seq integer not null, bytes blob not null, at integer not null,
      primary key (account_id, folder, uid_validity, uid, seq)
    ) strict`,
  ],
  [
    // A save changes the row of the revision before it, too: in the table's own order the two are on one page.
    `create table revision_6 (
      draft_id text not null references draft (id), version integer not null, encoding text not null,
      content text not null, bytes integer not null, saved_at integer not null, device text not null,
      author text not null, fields_changed text not null, primary key (draft_id, version)
    ) strict, without rowid`,
    `insert into revision_6 (
      draft_id, version, encoding, content, bytes, saved_at, device, author, fields_changed
    ) select
      draft_id, version, encoding, content, bytes, saved_at, device, author, fields_changed
    from revision`,
    `drop table revision`,
    `alter table revision_6 rename to revision`,
    // Without the time, which each save changes.
    `drop index task_by_account`,
    `create index task_by_account on task (account_id)`,
    `create index lane_by_account on lane (account_id)`,
    `create index task_running on task (lane) where state = 'running'`,
    // What the start goes through: all that it asks for is in the index, and what is synchronized is not.
    `create index draft_in_need on draft (id, account_id, status, policy) where sync_state <> 'synchronized'`,
  ],
  [
    `create table send (
      id text primary key, account_id text not null, draft_id text not null references draft (id),
      status text not null, phase text not null, due_at integer not null, state text not null, facts text not null,
      message_id text not null, sender text not null, subject text not null, created_at integer not null,
      ended_at integer
    ) strict`,
    `create index send_by_draft on send (draft_id, created_at)`,
    `create index send_by_account on send (account_id, created_at)`,
    `create index send_by_time on send (created_at, id)`,
    // What is still to be done: the start goes through these alone.
    `create index send_open on send (id) where ended_at is null`,
    `create table send_event (
      seq integer primary key autoincrement, send_id text not null references send (id) on delete cascade,
      at integer not null, type text not null, phase text not null, reason text
    ) strict`,
    `create index send_event_by_send on send_event (send_id, seq)`,
    // Whether a server files what it was given to send, as far as that was seen.
    `create table sent_habit (
      account_id text primary key, by_server integer not null, after_ms integer not null, seen_at integer not null
    ) strict`,
  ],
  [
    `alter table account add column probe text`,
    // What lies there from before lies there as it is, until the next start with a key.
    `alter table account_secret add column sealed integer not null default 0`,
  ],
  [
    // What happened to a task stands in its row, which is written at each step anyway, and when it ends in one row here.
    `alter table task add column steps text not null default ''`,
    `create table task_log (
      task_id text primary key, account_id text not null, kind text not null, key text not null, steps text not null,
      ended_at integer not null
    ) strict, without rowid`,
    {
      sqlite: [
        `insert into task_log (task_id, account_id, kind, key, steps, ended_at)
          select task_id, account_id, kind, key, group_concat(step, ','), max(at) from (
            select task_id, account_id, kind, key, at,
              json_object('at', at, 'what', what, 'error', json(error)) as step
            from task_step order by task_id, seq
          ) group by task_id, account_id, kind, key`,
      ],
      postgres: [
        `insert into task_log (task_id, account_id, kind, key, steps, ended_at)
          select task_id, account_id, kind, key, string_agg(
            json_build_object('at', at, 'what', what, 'error', error::json)::text, ',' order by seq
          ), max(at)
          from task_step group by task_id, account_id, kind, key`,
      ],
    },
    `update task set steps = coalesce((select steps from task_log where task_log.task_id = task.id), '')`,
    `delete from task_log where task_id in (select id from task)`,
    `drop table task_step`,
    // The index by which requests join begins with the account, too.
    `drop index task_by_account`,
    `drop index task_running`,
    `create index task_running on task (account_id) where state = 'running'`,
  ],
  [
    `create table api_token (
      id text primary key, tenant_id text not null, user_id text not null, name text not null, scopes text not null,
      digest text not null, expires_at integer, last_used_at integer, created_at integer not null
    ) strict`,
    `create index api_token_by_owner on api_token (tenant_id, user_id, created_at)`,
    `create index account_by_owner on account (tenant_id, user_id, id)`,
  ],
  [
    `alter table draft add column review_required integer not null default 0`,
    `alter table draft add column approved_version integer`,
    `alter table draft add column approved_at integer`,
    `alter table draft add column approved_by text`,
  ],
  [
    // Which sends are young enough for a bounce to come.
    `create index send_by_end on send (account_id, ended_at)`,
    // What a caller may ask for twice without wanting it twice.
    `create table send_request (
      scope text not null, key text not null, digest text not null, send_id text not null, at integer not null,
      primary key (scope, key)
    ) strict, without rowid`,
  ],
  [
    `create table draft_request (
      scope text not null, key text not null, digest text not null, draft_id text not null, at integer not null,
      primary key (scope, key)
    ) strict, without rowid`,
  ],
  [
    // Whose an event is that no account tells of: of one that was removed, of a webhook.
    `alter table event add column owner text`,
  ],
  [
    `create table webhook (
      id text primary key, tenant_id text not null, user_id text not null, url text not null, events text,
      account_id text, allow_private integer not null, secret text not null, sealed integer not null,
      created_at integer not null, event_cursor integer not null, failures integer not null, failing_since integer,
      next_attempt_at integer, disabled_at integer
    ) strict`,
    `create index webhook_by_owner on webhook (tenant_id, user_id, created_at)`,
    `create table webhook_delivery (
      seq integer primary key autoincrement, webhook_id text not null references webhook (id) on delete cascade,
      event text not null, event_cursor integer, attempt integer not null, at integer not null,
      duration_ms integer not null, status integer, error text
    ) strict`,
    `create index webhook_delivery_by_webhook on webhook_delivery (webhook_id, seq)`,
    `create index webhook_delivery_by_age on webhook_delivery (at)`,
  ],
  [
    // Drafts that programs wrote, and what became of them; the table has the name that its readers know.
    `create table email_outcomes (
      id text primary key, account_id text not null, tenant_id text not null, user_id text not null,
      user_name text not null, message_id text not null unique, conversation_id text not null,
      reply_to_message_id text, scenario text, draft_subject text not null, draft_body text not null,
      final_subject text not null, final_body text not null, metadata_json text not null, status text not null,
      created_at integer not null, superseded_at integer, superseded_by text, is_kept integer not null,
      sent_message_id text, sent_subject text, sent_body text, sent_to text, sent_at integer, evidence text, score real,
      similarity real, edit_distance integer, verdict text not null
    ) strict`,
    `create index email_outcomes_by_conversation on email_outcomes (account_id, conversation_id, created_at)`,
    `create index email_outcomes_open on email_outcomes (account_id, created_at) where status = 'draft_created'`,
    `create index email_outcomes_by_time on email_outcomes (tenant_id, created_at)`,
    // Never two drafts on one sent mail.
    `create unique index email_outcomes_by_sent on email_outcomes (account_id, sent_message_id)`,
  ],
  [
    // The drafts of a bundle while it is read: none of them is taken in before all were found right.
    `create table staged_import (
      import_id text not null, seq integer not null, entry text not null, at integer not null,
      primary key (import_id, seq)
    ) strict`,
    `create index staged_import_by_age on staged_import (at)`,
  ],
  [
    // What answers new mail by drafts; whom it asks is a URL or a module of the program.
    `create table responder (
      account_id text primary key, url text, module text, allow_private integer not null, filters text not null,
      scenario text, timeout_ms integer not null, cooldown_ms integer not null, hourly_limit integer not null,
      created_at integer not null, updated_at integer not null
    ) strict`,
    // A mail that is to be answered, or was: each once, whatever becomes of UIDs and of this process.
    `create table inbox_mark (
      id text primary key, account_id text not null, identity text not null, conversation_id text not null,
      mail text not null, state text not null, reason text, failures integer not null, draft_id text,
      found_at integer not null, ended_at integer
    ) strict`,
    `create unique index inbox_mark_by_identity on inbox_mark (account_id, identity)`,
    `create index inbox_mark_open on inbox_mark (account_id, found_at) where ended_at is null`,
    `create index inbox_mark_by_conversation on inbox_mark (account_id, conversation_id, found_at)`,
    `create index inbox_mark_by_end on inbox_mark (ended_at)`,
    `create index email_outcomes_by_account on email_outcomes (account_id, created_at)`,
    // Which conversation a Message-ID belongs to.
    `create table conversation_message (
      account_id text not null, message_id text not null, conversation_id text not null, at integer not null,
      primary key (account_id, message_id)
    ) strict, without rowid`,
  ],
  [
    // Saves of the draft manager, by the ids that clients gave them: what was begun and not finished is found again.
    `create table draft_save (
      account_id text not null, save_id text not null, draft_id text not null, device text not null,
      begun_at integer not null, base_version integer, state text, ended_at integer, version integer,
      primary key (account_id, save_id)
    ) strict, without rowid`,
    `create index draft_save_unfinished on draft_save (account_id, draft_id, device) where ended_at is null`,
    `create index draft_save_by_age on draft_save (begun_at)`,
  ],
  [
    // Mails in Sent that may come from a draft of a program's, and when such a draft was seen in Drafts last.
    `create table sent_mail (
      account_id text not null, folder text not null, uid_validity integer not null, uid integer not null,
      sent_at integer not null, mail text not null,
      primary key (account_id, folder, uid_validity, uid)
    ) strict, without rowid`,
    `create index sent_mail_by_age on sent_mail (sent_at)`,
    `create table outcome_sight (
      draft_id text primary key, account_id text not null, seen_at integer not null, gone_at integer,
      server_ids text not null
    ) strict, without rowid`,
  ],
  [
    // A secret that was changed signs beside the new one for a while, until receivers know that.
    `alter table webhook add column previous_secret text`,
    `alter table webhook add column previous_sealed integer`,
    `alter table webhook add column previous_until integer`,
  ],
  [
    // Figures over all outcomes of a user: read from this index alone, in the order of their groups, without the texts. A
    // week begins on a Monday, and the epoch began on a Thursday.
    `create index email_outcomes_figures on email_outcomes (
      tenant_id, user_id, scenario, ((created_at - 345600000) / 604800000), created_at, status, verdict, user_name,
      sent_at, edit_distance
    )`,
    `create index email_outcomes_sent on email_outcomes (tenant_id, user_id, sent_at) where sent_at is not null`,
    // It would be taken for figures of a time, which are not in it.
    `drop index email_outcomes_by_time`,
  ],
  [
    // When what is in Sent was weighed against the drafts, and whether more was read since.
    `create table outcome_look (
      account_id text primary key, weighed_at integer not null, is_due integer not null
    ) strict, without rowid`,
  ],
  [
    // What another program made of a draft whose copy went from Drafts: the Message-ID of the mail in Sent.
    `alter table draft add column sent_as text`,
  ],
  [
    // A save that comes again is answered as at first: by what it said (a digest), what it was answered, what the client had
    // written where the version says otherwise, and by which later save that has its words.
    `alter table draft_save add column digest text`,
    `alter table draft_save add column answer text`,
    `alter table draft_save add column written text`,
    `alter table draft_save add column included_in text`,
  ],
  [
    // What answers a mail, as far as it was seen: mails in Sent, and drafts that another device has made of it.
    `create table mail_answer (
      account_id text not null, mail text not null, draft_id text not null, is_edited integer not null,
      at integer not null, primary key (account_id, mail, draft_id)
    ) strict, without rowid`,
    `create index mail_answer_by_age on mail_answer (at)`,
    `create index inbox_mark_by_draft on inbox_mark (draft_id) where draft_id is not null`,
    `create index server_name_missing on server_name (account_id) where missing_since is not null`,
  ],
  [
    // The indices of the queue know lanes by their numbers: names took many times the pages, and each commit writes pages.
    `create table lane_numbered (
      seq integer primary key autoincrement, id text not null unique, account_id text not null, busy integer not null,
      fence integer not null
    ) strict`,
    `insert into lane_numbered (id, account_id, busy, fence) select id, account_id, busy, fence from lane order by id`,
    `drop table lane`,
    `alter table lane_numbered rename to lane`,
    `create index lane_by_account on lane (account_id)`,
    `alter table task add column lane_seq integer not null default 0`,
    `update task set lane_seq = coalesce((select lane.seq from lane where lane.id = task.lane), 0)`,
    `drop index task_joined`,
    `drop index task_due`,
    `drop index task_waiting`,
    `drop index task_by_key`,
    `drop index task_running`,
    // Keys are made in the order of time, and lie side by side; a kind has one lane of an account.
    `create unique index task_joined on task (key, kind, lane_seq) where state <> 'running'`,
    `create index task_running on task (key, kind) where state = 'running'`,
    `create index task_due on task (lane_seq, priority desc, seq) where state = 'waiting'`,
    `create index task_waiting on task (lane_seq, run_at) where state = 'waiting'`,
    `create index task_stopped on task (lane_seq) where state <> 'running' and state <> 'waiting'`,
  ],
  [
    // What happened to a send stands in its row, which each step writes anyway.
    `alter table send add column journal text not null default ''`,
    `alter table send add column changes integer not null default 0`,
    {
      sqlite: [
        `update send set journal = (
          select coalesce(group_concat(entry, ','), '') from (
            select json_object('at', at, 'type', type, 'phase', phase, 'reason', json(reason)) as entry
            from send_event where send_id = send.id order by seq
          )
        )`,
      ],
      postgres: [
        `update send set journal = (
          select coalesce(string_agg(
            json_build_object('at', at, 'type', type, 'phase', phase, 'reason', reason::json)::text, ',' order by seq
          ), '') from send_event where send_id = send.id
        )`,
      ],
    },
    `drop table send_event`,
  ],
  // What is indexed is composed now, and cut where a script has no blanks.
  [`update draft set indexed_version = 0 where emptied_at is null`],
  [
    // Until when what was looked at came has a place of its own: of INBOX it stood where the others have the time of the look.
    `alter table folder add column newest_at integer`,
    `update folder set newest_at = seen_at where role = 'inbox'`,
  ],
  [
    // A save changes a short row, and not a long one.
    // With row numbers: a table without has a page of its own for what is longer than a quarter of one.
    `create table draft_content (
      draft_id text primary key references draft (id), content text not null
    ) strict`,
    `insert into draft_content (draft_id, content) select id, content from draft`,
    `alter table draft drop column content`,
    `alter table draft add column recent text not null default ''`,
  ],
  // The last saves tell the way back, too, and go into the history as they stand.
  [tellBothWays],
  // A line of the last saves may tell of the one before it, which no earlier version reads; all that is stored stays.
  [],
]

const schemaVersion: number = steps.length

/**
 * Brings the tables to this version, all in one transaction.
 * @throws {EverdraftError} STORAGE_TOO_NEW
 */
export async function migrate(db: Kysely<Schema>, family: Family): Promise<void> {
  await db.connection().execute(async (connection) => {
    await sql.raw(beginWrite[family]).execute(connection)
    try {
      await toThisVersion(connection, family)
      await sql`commit`.execute(connection)
    } catch (error) {
      // SQLite rolls back by itself on some errors (disk full): what went wrong is told, not that nothing was left to do.
      await sql`rollback`.execute(connection).catch(() => {})
      throw error
    }
  })
}

async function toThisVersion(db: Kysely<Schema>, family: Family): Promise<void> {
  await sql`create table if not exists meta (key text primary key, value text not null)`.execute(db)
  const row = await db.selectFrom('meta').select('value').where('key', '=', 'schema_version').executeTakeFirst()
  const found = row === undefined ? 0 : Number(row.value)
  if (found > schemaVersion) {
    throw new EverdraftError(
      'STORAGE_TOO_NEW',
      `the data is of schema version ${found}, this everdraft knows up to ${schemaVersion}: use a newer one`,
    )
  }
  for (const statement of steps.slice(found).flat()) {
    if (typeof statement === 'function') await statement(db)
    else for (const text of textsOf(statement, family)) await sql.raw(text).execute(db)
  }
  await db
    .insertInto('meta')
    .values({ key: 'schema_version', value: String(schemaVersion) })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: String(schemaVersion) }))
    .execute()
}

function textsOf(statement: Exclude<Statement, Rewrite>, family: Family): readonly string[] {
  if (typeof statement !== 'string') return statement[family]
  return [family === 'sqlite' ? statement : toPostgres(statement)]
}
