import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

import type { Engine } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { checkIsOperator } from '../principal.ts'

// For the OpenAPI document: a stream is sent as it is.
const fileSchema = z.string() as unknown as z.ZodType<Readable>

export function backupRoutes(app: App, { engine, workFolder }: Context): void {
  app.get(
    '/backup',
    {
      // A copy is made for each answer.
      exposeHeadRoute: false,
      config: { access: 'bearer' },
      schema: {
        summary: 'A copy of the whole store, while it is in use',
        description:
          'One SQLite file with the data of all tenants: for the token of the daemon itself alone. Passwords in it are sealed by the key, which is not in it. 503 where the store makes no copies of itself.',
        querystring: z.strictObject({}),
        response: {
          200: { description: 'The file', content: { 'application/vnd.sqlite3': { schema: fileSchema } } },
        },
      },
    },
    async (request, reply) => {
      checkIsOperator(request)
      const copy = await copyOf(engine, workFolder)
      const { size } = await copy.stat()
      return reply
        .headers({
          'content-type': 'application/vnd.sqlite3',
          'content-length': String(size),
          'content-disposition': 'attachment; filename="everdraft.db"',
        })
        .send(copy.createReadStream())
    },
  )
}

/** Open, and under no name any more: it goes with the last byte, however that ends. */
async function copyOf(engine: Engine, workFolder: string): Promise<FileHandle> {
  const folder = await mkdtemp(join(workFolder, '.backup-'))
  try {
    const path = join(folder, 'everdraft.db')
    await engine.backup(path)
    return await open(path, 'r')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
