import { availableParallelism, platform } from 'node:os'

import type { Section, Table } from './suite.ts'

/**
 * docs/benchmarks.md, laid out as the formatter wants it. Nothing in it names the machine. Sections that were not measured
 * now stay as they were in `before`.
 */
export function documentOf(sections: readonly Section[], before: string): string {
  const texts = new Map(
    before
      .trimEnd()
      .split(/\n(?=## )/)
      .slice(1)
      .map((text): [title: string, text: string] => [text.slice(0, text.indexOf('\n')), text.trimEnd()]),
  )
  for (const section of sections) texts.set(`## ${section.title}`, sectionOf(section).join('\n\n'))
  const facts = [
    `Date of the last change: ${new Date().toISOString().slice(0, 10)}`,
    `CPUs: ${availableParallelism()} (${process.arch}, ${platform()})`,
    `Node ${process.versions.node}`,
  ]
  return [
    '# Benchmarks',
    wrap(
      'Written by `pnpm bench`, not by hand, each section by one run of its suite. Ratios count here, not absolute figures: both sides of each ratio were measured in the same run on the same machine, in turns.',
    ),
    list(facts),
    ...texts.values(),
  ]
    .join('\n\n')
    .concat('\n')
}

/** Also what is printed when a suite ends. */
export function sectionOf(section: Section): readonly string[] {
  return [
    `## ${section.title}`,
    wrap(section.intro),
    ...(section.settings.length === 0 ? [] : [list(section.settings)]),
    ...section.tables.flatMap((table) => [`${table.caption}:`, layOut(table)]),
    ...(section.notes.length === 0 ? [] : [list(section.notes)]),
  ]
}

function list(items: readonly string[]): string {
  return items.map((item) => wrap(`- ${item}`, '  ')).join('\n')
}

const lineWidth = 120

/** At blanks; lines after the first begin with `indent`. */
function wrap(text: string, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > lineWidth) {
      lines.push(line)
      line = indent + word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join('\n')
}

function layOut({ columns, rows }: Table): string {
  const widths = columns.map((column, index) =>
    Math.max(3, column.length, ...rows.map((row) => (row[index] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, index) => (cells[index] ?? '').padEnd(width)).join(' | ')} |`
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
