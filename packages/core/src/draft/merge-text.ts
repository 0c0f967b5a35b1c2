import { type BlockDocument, type BlockFormat, mergeBlocks } from './merge-blocks.ts'
import type { Sides } from './merge-value.ts'

const paragraphs: BlockFormat = {
  parse: parseParagraphs,
  gap: '\n\n',
  // Blank lines only: the longer one, so that the outcome does not depend on who is local.
  settle: (local, remote) => {
    if (local.length !== remote.length) return local.length > remote.length ? local : remote
    return local < remote ? local : remote
  },
}

/** Three-way merge by paragraph of texts that both sides changed; null in case of doubt. */
export function mergeText(texts: Sides<string>): string | null {
  return mergeBlocks(texts, paragraphs)
}

/** A paragraph is a run of lines that are not blank; the end of its last line is part of the gap. */
function parseParagraphs(text: string): BlockDocument {
  const blocks: string[] = []
  const gaps: string[] = []
  let lead = ''
  let space = ''
  let paragraph = ''
  const close = (): void => {
    if (paragraph === '') return
    space = paragraph.endsWith('\n') ? '\n' : ''
    blocks.push(paragraph.slice(0, paragraph.length - space.length))
    paragraph = ''
  }
  const lines = text.split('\n')
  for (const [index, content] of lines.entries()) {
    const line = index < lines.length - 1 ? `${content}\n` : content
    if (content.trim() === '') {
      close()
      space += line
      continue
    }
    if (paragraph === '') {
      if (blocks.length === 0) lead = space
      else gaps.push(space)
    }
    paragraph += line
  }
  close()
  if (blocks.length > 0) return { lead, blocks, gaps, end: space }
  // Only whole lines can stand before a paragraph that the other side may have added.
  const wholeLines = space.lastIndexOf('\n') + 1
  return { lead: space.slice(0, wholeLines), blocks, gaps, end: space.slice(wholeLines) }
}
