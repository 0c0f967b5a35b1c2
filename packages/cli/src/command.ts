import { parseArgs } from 'node:util'

import { UsageError } from './failure.ts'

export interface Option {
  /** Its value in the help, `DIR` or `yes|no`; absent: a switch. */
  readonly value?: string
  /** What it may be, where that would be too long for `value`. */
  readonly choices?: readonly string[]
  readonly repeatable?: boolean
  readonly help: string
}

export interface Command {
  /** As it is typed: `draft list`. */
  readonly name: string
  readonly summary: string
  /** More than the summary says, for `--help`. */
  readonly details?: string
  /** In order; all are needed. */
  readonly operands?: readonly string[]
  readonly options: Readonly<Record<string, Option>>
  run(input: CommandInput): Promise<void>
}

/** What was typed, checked against the command's options. */
export interface CommandInput {
  option(name: string): string | undefined
  /** All values of a repeatable option. */
  options(name: string): readonly string[]
  isOn(name: string): boolean
  operand(index: number): string
}

/** @throws {UsageError} naming what is unknown, missing or too much */
export function parseCommandInput(command: Command, args: readonly string[]): CommandInput | 'help' {
  const { values, positionals } = parse(command, args)
  if (values['help'] === true) return 'help'
  const operands = command.operands ?? []
  const missing = operands[positionals.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing`)
  const surplus = positionals[operands.length]
  if (surplus !== undefined) throw new UsageError(`unexpected argument: ${surplus}`)
  return {
    option: (name) => one(values[name]),
    options: (name) => [values[name] ?? []].flat().filter((value) => typeof value === 'string'),
    isOn: (name) => values[name] === true,
    operand: (index) => positionals[index] ?? '',
  }
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

function parse(command: Command, args: readonly string[]): { readonly values: Values; readonly positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, help: { help: '' } }).map(([name, option]: [string, Option]) => [
      name,
      {
        type: option.value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: option.repeatable ?? false,
      },
    ]),
  )
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    // Node's hints about `--` after the first sentence help nobody here.
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'wrong usage')
  }
}

function one(value: Values[string]): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** @throws {UsageError} */
export function needed(input: CommandInput, name: string): string {
  const value = input.option(name)
  if (value === undefined) throw new UsageError(`--${name} is needed`)
  return value
}

/** @throws {UsageError} */
export function oneOf<Choice extends string>(name: string, value: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw new UsageError(`--${name}: must be ${choices.join(' or ')}`)
  return choice
}

/** @throws {UsageError} */
export function wholeNumber(name: string, value: string, minimum: number, maximum: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= minimum && number <= maximum)) {
    throw new UsageError(`--${name}: must be a whole number from ${minimum} to ${maximum}`)
  }
  return number
}

export function helpOf(command: Command): string {
  const operands = (command.operands ?? []).map((operand) => ` ${operand}`).join('')
  const options = Object.entries({ ...command.options, help: { help: 'this text' } })
  const rows = options.map(([name, option]: [string, Option]) => [
    `--${name}${option.value === undefined ? '' : ` ${option.value}`}`,
    option.help,
  ])
  return [
    `everdraft ${command.name}${operands} [options]`,
    '',
    `${command.summary}.`,
    ...(command.details === undefined ? [] : ['', command.details]),
    '',
    ...columns(rows),
    '',
  ].join('\n')
}

export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const width = Math.max(...rows.map(([first = '']) => first.length))
  return rows.map(([first = '', second = '']) => `  ${first.padEnd(width)}  ${second}`.trimEnd())
}
