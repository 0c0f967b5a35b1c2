import type { FolderPath } from '../ids.ts'
import type { Folder, SpecialUse } from '../wire/mailbox.ts'

/** Where a message that somebody answers is likely; a folder that holds all mail saves looking in the others. */
const likely: readonly SpecialUse[] = ['inbox', 'sent', 'all', 'archive']
/** Here it lies only if nowhere else. */
const unlikely: readonly SpecialUse[] = ['drafts', 'junk', 'trash']

/** The folders to look for a message in, the likeliest first. `first`: where the caller saw it. */
export function searchOrder(folders: readonly Folder[], first: FolderPath | null): readonly FolderPath[] {
  const rank = ({ path, specialUse }: Folder): number => {
    if (path === first) return -1
    if (specialUse === null) return likely.length
    const place = likely.indexOf(specialUse)
    if (place !== -1) return place
    return likely.length + 1 + unlikely.indexOf(specialUse)
  }
  return folders
    .filter((folder) => folder.selectable)
    .toSorted((a, b) => rank(a) - rank(b))
    .map((folder) => folder.path)
}
