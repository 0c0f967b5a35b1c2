import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, test } from 'vitest'

import { temporaryFolder } from './harness.ts'

test.each(['database', 'folder'] as const)(
  'an attachment of 200 MB into the %s takes less than 40 MB of memory',
  async (place) => {
    await using folder = await temporaryFolder()
    const child = fileURLToPath(new URL('./attach-child.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [child, folder.path, place, '200'])
    const { size, grownBytes } = JSON.parse(stdout) as { readonly size: number; readonly grownBytes: number }
    expect(size).toBe(200 * 1024 * 1024)
    expect(grownBytes).toBeLessThan(40 * 1024 * 1024)
  },
)
