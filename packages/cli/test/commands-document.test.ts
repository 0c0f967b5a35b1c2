import { readFile } from 'node:fs/promises'

import { expect, test } from 'vitest'

import { commandsDocument } from '../scripts/commands-document.ts'

test('docs/cli.md is what the table of commands says; `pnpm run docs` writes it', async () => {
  const committed = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
  expect(committed).toBe(commandsDocument())
})
