import { readFile } from 'node:fs/promises'

import { expect, test } from 'vitest'

import { schemaText } from '../scripts/schema-text.ts'

test('the types are those of the document that the daemon answers; `pnpm run docs` writes them', async () => {
  const committed = await readFile(new URL('../src/schema.ts', import.meta.url), 'utf8')
  expect(committed).toBe(await schemaText())
})
