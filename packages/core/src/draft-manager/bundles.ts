import type { EngineParts } from '../engine/parts.ts'
import { createExport, type ExportDrafts } from './export.ts'
import { createImport, type ImportDrafts } from './import.ts'

/** Drafts out to files and in from them, however many: neither side is ever whole in memory. */
export interface Bundles {
  readonly export: ExportDrafts
  readonly import: ImportDrafts
}

export function createBundles(parts: EngineParts): Bundles {
  return { export: createExport(parts), import: createImport(parts) }
}
