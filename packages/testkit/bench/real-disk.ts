import { readFileSync, realpathSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'

/** A folder for files whose durability is measured; memory that poses as a disk would make every figure a lie. */
export interface BenchFolder extends AsyncDisposable {
  readonly path: string
  /** `ext4`; `unknown` where the system does not say. */
  readonly fileSystem: string
}

const inMemory: ReadonlySet<string> = new Set(['tmpfs', 'ramfs'])

export async function benchFolder(): Promise<BenchFolder> {
  for (const parent of [tmpdir(), '/var/tmp', process.cwd()]) {
    const fileSystem = fileSystemOf(parent)
    if (inMemory.has(fileSystem)) continue
    const path = await mkdtemp(join(parent, 'everdraft-bench-'))
    return { path, fileSystem, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
  }
  throw new Error('no folder on a real disk was found: set TMPDIR to one')
}

/** The type of the mount that is nearest above the folder. */
function fileSystemOf(folder: string): string {
  const real = realpathSync(folder)
  let mounts: string
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return 'unknown'
  }
  const holding = mounts.split('\n').flatMap((line) => {
    const point = line.split(' ')[4]
    const type = / - (\S+) /.exec(line)?.[1]
    if (point === undefined || type === undefined) return []
    return real === point || real.startsWith(point === sep ? sep : `${point}${sep}`) ? [{ point, type }] : []
  })
  return holding.toSorted((a, b) => b.point.length - a.point.length)[0]?.type ?? 'unknown'
}
