import type { Capability, CapabilitySet } from '../capabilities.ts'
import { append, replace } from './commands/append.ts'
import { authenticate, capability, check, compress, enable, id, idle, login, logout, noop } from './commands/auth.ts'
import { copy, expunge, move } from './commands/copy.ts'
import { fetch } from './commands/fetch.ts'
import { list, lsub, namespace } from './commands/list.ts'
import {
  close,
  create,
  examine,
  remove,
  rename,
  select,
  status,
  subscribe,
  unselect,
  unsubscribe,
} from './commands/mailboxes.ts'
import { getQuota, getQuotaRoot } from './commands/quota.ts'
import { notify } from './commands/notify.ts'
import { search } from './commands/search.ts'
import { store } from './commands/store.ts'
import type { Handler } from './context.ts'

export type CommandSpec = {
  readonly run: Handler
  /** When it may be given (RFC 3501 §3). */
  readonly state: 'any' | 'not-authenticated' | 'authenticated' | 'selected'
  readonly args: 'none' | 'some'
  /** Whether there is a UID form; a UID form may need a capability that the plain one does not. */
  readonly uid?: true | Capability
  readonly needs?: Capability
}

const commands: Readonly<Record<string, CommandSpec>> = {
  CAPABILITY: { run: capability, state: 'any', args: 'none' },
  NOOP: { run: noop, state: 'any', args: 'none' },
  LOGOUT: { run: logout, state: 'any', args: 'none' },
  ID: { run: id, state: 'any', args: 'some', needs: 'ID' },

  LOGIN: { run: login, state: 'not-authenticated', args: 'some' },
  AUTHENTICATE: { run: authenticate, state: 'not-authenticated', args: 'some' },

  ENABLE: { run: enable, state: 'authenticated', args: 'some', needs: 'ENABLE' },
  SELECT: { run: select, state: 'authenticated', args: 'some' },
  EXAMINE: { run: examine, state: 'authenticated', args: 'some' },
  CREATE: { run: create, state: 'authenticated', args: 'some' },
  DELETE: { run: remove, state: 'authenticated', args: 'some' },
  RENAME: { run: rename, state: 'authenticated', args: 'some' },
  SUBSCRIBE: { run: subscribe, state: 'authenticated', args: 'some' },
  UNSUBSCRIBE: { run: unsubscribe, state: 'authenticated', args: 'some' },
  LIST: { run: list, state: 'authenticated', args: 'some' },
  LSUB: { run: lsub, state: 'authenticated', args: 'some' },
  NAMESPACE: { run: namespace, state: 'authenticated', args: 'none', needs: 'NAMESPACE' },
  STATUS: { run: status, state: 'authenticated', args: 'some' },
  APPEND: { run: append, state: 'authenticated', args: 'some' },
  COMPRESS: { run: compress, state: 'authenticated', args: 'some', needs: 'COMPRESS=DEFLATE' },
  IDLE: { run: idle, state: 'authenticated', args: 'none', needs: 'IDLE' },

  NOTIFY: { run: notify, state: 'authenticated', args: 'some', needs: 'NOTIFY' },
  GETQUOTA: { run: getQuota, state: 'authenticated', args: 'some', needs: 'QUOTA' },
  GETQUOTAROOT: { run: getQuotaRoot, state: 'authenticated', args: 'some', needs: 'QUOTA' },

  CHECK: { run: check, state: 'selected', args: 'none' },
  CLOSE: { run: close, state: 'selected', args: 'none' },
  UNSELECT: { run: unselect, state: 'selected', args: 'none', needs: 'UNSELECT' },
  EXPUNGE: { run: expunge, state: 'selected', args: 'none', uid: 'UIDPLUS' },
  SEARCH: { run: search, state: 'selected', args: 'some', uid: true },
  FETCH: { run: fetch, state: 'selected', args: 'some', uid: true },
  STORE: { run: store, state: 'selected', args: 'some', uid: true },
  COPY: { run: copy, state: 'selected', args: 'some', uid: true },
  MOVE: { run: move, state: 'selected', args: 'some', uid: true, needs: 'MOVE' },
  REPLACE: { run: replace, state: 'selected', args: 'some', uid: true, needs: 'REPLACE' },
}

/** The command of this name, if this server has it at all: one that needs a capability that is off is unknown. */
export function commandNamed(verb: string, uid: boolean, capabilities: CapabilitySet): CommandSpec | undefined {
  const command = Object.hasOwn(commands, verb) ? commands[verb] : undefined
  if (command === undefined) return undefined
  if (command.needs !== undefined && !capabilities.has(command.needs)) return undefined
  if (!uid) return command
  if (command.uid === undefined || (command.uid !== true && !capabilities.has(command.uid))) return undefined
  // UID EXPUNGE names its UIDs; the plain EXPUNGE has no arguments.
  return verb === 'EXPUNGE' ? { ...command, args: 'some' } : command
}
