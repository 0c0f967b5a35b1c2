import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { createDaemon } from '@everdraft/daemon'
import { imap } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript'
import ts from 'typescript'

const header = '// Generated from the OpenAPI document of the daemon: `pnpm run docs`.\n\n'

/** The types of all operations, from the document that the daemon of this checkout answers. */
export async function schemaText(): Promise<string> {
  const nodes = await openapiTS(withoutProblems(await openApiDocument()), {
    alphabetize: true,
    immutable: true,
    // A default is for what is left out: whoever asks may leave it out.
    defaultNonNullable: false,
    silent: true,
  })
  // The rest is empty: no webhooks, and no operation that is named apart from its path.
  return header + astToString(nodes.filter(ts.isInterfaceDeclaration))
}

/** Every answer that is not 2xx is a `Problem`: to say it of each would be most of the file. */
function withoutProblems(document: OpenAPI3): OpenAPI3 {
  for (const operations of Object.values(document.paths ?? {})) {
    for (const { responses } of Object.values(operations) as { readonly responses?: Record<string, unknown> }[]) {
      for (const status of Object.keys(responses ?? {})) if (!status.startsWith('2')) delete responses?.[status]
    }
  }
  return document
}

async function openApiDocument(): Promise<OpenAPI3> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-schema-'))
  const engine = await createEngine({ storage: sqlite(join(folder, 'everdraft.db')), mailbox: imap() })
  const token = 'only-for-this'
  const daemon = await createDaemon({ engine, token, version: '0' })
  try {
    const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
    const response = await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${token}` } })
    return (await response.json()) as OpenAPI3
  } finally {
    await daemon.close()
    await engine.close()
    await rm(folder, { recursive: true })
  }
}
