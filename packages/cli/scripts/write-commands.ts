import { writeFileSync } from 'node:fs'

import { commandsDocument } from './commands-document.ts'

writeFileSync(new URL('../../../docs/cli.md', import.meta.url), commandsDocument())
