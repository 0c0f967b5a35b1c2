import { writeFileSync } from 'node:fs'

import { schemaText } from './schema-text.ts'

writeFileSync(new URL('../src/schema.ts', import.meta.url), await schemaText())
