import type { FolderPath, MessageSegment } from '@everdraft/core'

export type PartPlace = Omit<Extract<MessageSegment, { readonly kind: 'part' }>, 'kind' | 'size'>

/** RFC 5092 §7: the mailbox is percent-encoded UTF-8, and not what is used elsewhere on the wire. */
export function partUrl({ folder, uidValidity, uid, section }: PartPlace): string {
  return `/${encodePath(folder)};UIDVALIDITY=${uidValidity}/;UID=${uid}/;SECTION=${section}`
}

function encodePath(path: FolderPath): string {
  return path.toWellFormed().split('/').map(encodeURIComponent).join('/')
}
