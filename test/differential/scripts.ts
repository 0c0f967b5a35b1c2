import type { Script } from './script.ts'
import { changing } from './scripts-changing.ts'
import { folders } from './scripts-folders.ts'
import { news } from './scripts-news.ts'
import { reading } from './scripts-reading.ts'
import { storing } from './scripts-storing.ts'

export const scripts: readonly Script[] = [...reading, ...storing, ...changing, ...folders, ...news]
