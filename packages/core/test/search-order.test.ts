import { expect, test } from 'vitest'

import type { FolderPath } from '../src/ids.ts'
import { searchOrder } from '../src/sync/search-order.ts'
import type { Folder, SpecialUse } from '../src/wire/mailbox.ts'

function folder(path: string, specialUse: SpecialUse | null = null, selectable = true): Folder {
  return { path: path as FolderPath, delimiter: '/', specialUse, selectable }
}

const folders = [
  folder('Drafts', 'drafts'),
  folder('Lists'),
  folder('Trash', 'trash'),
  folder('Starred', 'flagged'),
  folder('Sent', 'sent'),
  folder('Junk', 'junk'),
  folder('Work', null, false),
  folder('INBOX', 'inbox'),
]

test('a message is looked for in INBOX, then Sent, and in Drafts, Junk and Trash only if it is nowhere else', () => {
  expect(searchOrder(folders, null)).toEqual(['INBOX', 'Sent', 'Lists', 'Starred', 'Drafts', 'Junk', 'Trash'])
})

test('where the caller saw it comes first', () => {
  expect(searchOrder(folders, 'Trash' as FolderPath).slice(0, 2)).toEqual(['Trash', 'INBOX'])
})
