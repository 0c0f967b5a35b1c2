// Writes docs/correlation.md: node test/correlation/write-document.ts
import { writeFile } from 'node:fs/promises'

import { correlationDocument } from './document.ts'
import { gateSeeds, judgeSeeds } from './gate.ts'
import { together } from './judge.ts'

const document = new URL('../../docs/correlation.md', import.meta.url)
await writeFile(document, correlationDocument(together(await judgeSeeds(gateSeeds)), gateSeeds))
