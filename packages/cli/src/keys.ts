import type { Secrets } from '@everdraft/core'
import { keyFile, keysFromText } from '@everdraft/sqlite'

import type { DataFolder } from './data-folder.ts'

/** The keys by which the folder's passwords are sealed: of `EVERDRAFT_KEY`, else of the file beside the database. */
export function secretsOf(folder: DataFolder): Secrets {
  const given = process.env['EVERDRAFT_KEY']
  // An empty variable is how shells and container files say "not set".
  return given === undefined || given === '' ? keyFile(folder.key) : keysFromText(given, 'EVERDRAFT_KEY')
}
