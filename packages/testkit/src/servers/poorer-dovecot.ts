import type { ServerOptions, ServerSupport } from './driver.ts'

/** What Dovecot 2.3 announces, apart from what no client of drafts asks for (SORT, THREAD, URLAUTH, …). */
const all: readonly string[] = [
  'IMAP4rev1',
  'SASL-IR',
  'ID',
  'ENABLE',
  'IDLE',
  'LITERAL+',
  'CATENATE',
  'UNSELECT',
  'CHILDREN',
  'NAMESPACE',
  'UIDPLUS',
  'LIST-EXTENDED',
  'CONDSTORE',
  'QRESYNC',
  'ESEARCH',
  'LIST-STATUS',
  'BINARY',
  'MOVE',
  'STATUS=SIZE',
  'NOTIFY',
  'METADATA',
  'SPECIAL-USE',
  'COMPRESS=DEFLATE',
]

/**
 * Dovecot 2.3 without the given extensions. It does not announce them; asked for all the same, it would still obey, so that
 * a client that does not look at capabilities is not found out by it. Without SPECIAL-USE its folders have none.
 */
export function poorerDovecot(without: readonly string[], supports: Partial<ServerSupport>): ServerOptions {
  const unknown = without.filter((name) => !all.includes(name))
  if (unknown.length > 0) throw new TypeError(`Dovecot 2.3 announces no ${unknown.join(', ')}`)
  return {
    environment: {
      IMAP_CAPABILITY: all.filter((name) => !without.includes(name)).join(' '),
      ...(without.includes('SPECIAL-USE') ? { SPECIAL_USE: 'no' } : {}),
    },
    variant: { title: `Dovecot 2.3 without ${without.join(', ')}`, supports },
  }
}
