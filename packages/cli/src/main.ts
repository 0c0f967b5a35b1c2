import { columns, helpOf, parseCommandInput, type Command } from './command.ts'
import { commands } from './command-table.ts'
import { CommandFailure, Interrupted, UsageError } from './failure.ts'
import { version } from './version.ts'

/** @returns the exit code: 0 only when the job was done, 2 on wrong usage */
export async function main(args: readonly string[]): Promise<number> {
  let hint = 'everdraft --help'
  try {
    const [first] = args
    if (first === '--version') return print(`everdraft ${version()}`)
    if (first === '--help' || first === 'help') return print(overview(commands))
    if (first === undefined) throw new UsageError('which command?')
    const group = commands.filter(({ name }) => name.split(' ')[0] === first)
    if (group.length === 0) throw new UsageError(`unknown ${first.startsWith('-') ? 'option' : 'command'}: ${first}`)
    const command = group.find(({ name }) => name === args.slice(0, name.split(' ').length).join(' '))
    if (command === undefined) {
      if (args[1] === '--help') return print(overview(group))
      hint = `everdraft ${first} --help`
      throw new UsageError(args[1] === undefined ? `everdraft ${first}: what?` : `unknown command: ${first} ${args[1]}`)
    }
    hint = `everdraft ${command.name} --help`
    const input = parseCommandInput(command, args.slice(command.name.split(' ').length))
    if (input === 'help') return print(helpOf(command))
    await command.run(input)
    return 0
  } catch (error) {
    return report(error, hint)
  }
}

function report(error: unknown, hint: string): number {
  if (error instanceof UsageError) {
    console.error(`everdraft: ${error.message}\nSee: ${hint}`)
    return 2
  }
  if (error instanceof Interrupted) return 130
  // What is no CommandFailure is a fault of ours: its trace helps to find it.
  console.error(error instanceof CommandFailure ? `everdraft: ${error.message}` : error)
  return 1
}

function overview(listed: readonly Command[]): string {
  const rows = listed.map(({ name, summary }) => [name, summary])
  return [
    'everdraft: drafts that are never lost, on this device and on your mail server',
    '',
    ...columns(rows),
    '',
    'Every command has --help.',
    '',
  ].join('\n')
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
