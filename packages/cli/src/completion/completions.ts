import type { Command, Option } from '../command.ts'

/** What can follow: these words, the name of a file or a folder, or what nobody knows here. */
export type Expected =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'folder' | 'anything' }

export interface CompletedOption {
  /** With its dashes. */
  readonly name: string
  readonly help: string
  /** Null: a switch. */
  readonly value: Expected | null
}

export interface CompletedCommand {
  /** As it is typed: one word or two. */
  readonly words: readonly [string] | readonly [string, string]
  readonly summary: string
  readonly options: readonly CompletedOption[]
  readonly operands: readonly Expected[]
}

/** The command table as the shells see it. */
export interface Completions {
  readonly commands: readonly CompletedCommand[]
  /** First words of several commands: `draft`. */
  readonly groups: readonly string[]
}

export function completionsOf(table: readonly Command[]): Completions {
  const commands = table.map(({ name, summary, options, operands = [] }): CompletedCommand => {
    const [first = '', second] = name.split(' ')
    return {
      words: second === undefined ? [first] : [first, second],
      summary,
      options: Object.entries({ ...options, help: { help: 'how it is used' } }).map(completedOption),
      operands: operands.map((operand) => expectedOf(operand, undefined)),
    }
  })
  return { commands, groups: [...new Set(commands.flatMap(({ words }) => (words.length === 2 ? [words[0]] : [])))] }
}

function completedOption([name, { value, choices, help }]: readonly [string, Option]): CompletedOption {
  return { name: `--${name}`, help, value: value === undefined ? null : expectedOf(value, choices) }
}

/** By what the help calls it. */
function expectedOf(value: string, choices: readonly string[] | undefined): Expected {
  if (choices !== undefined) return { kind: 'words', words: choices }
  if (value.includes('|')) return { kind: 'words', words: value.split('|') }
  if (value === 'FILE') return { kind: 'file' }
  return { kind: value === 'DIR' ? 'folder' : 'anything' }
}

/** The first words: groups once, commands of one word. */
export function firstWords({ commands }: Completions): readonly { readonly word: string; readonly summary: string }[] {
  const byWord = Map.groupBy(commands, ({ words }) => words[0])
  return [...byWord].map(([word, group]) => ({
    word,
    summary: group.length === 1 ? (group[0]?.summary ?? '') : group.map(({ words }) => words[1]).join(', '),
  }))
}

export function secondWords(
  { commands }: Completions,
  group: string,
): readonly { readonly word: string; readonly summary: string }[] {
  return commands.flatMap(({ words: [first, second], summary }) =>
    first === group && second !== undefined ? [{ word: second, summary }] : [],
  )
}

/** As one word of any of these shells. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
