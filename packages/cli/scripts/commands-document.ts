import type { Command, Option } from '../src/command.ts'
import { commands } from '../src/command-table.ts'

const introduction = `# The command line

Generated from the table of commands: \`pnpm run docs\`. \`everdraft COMMAND --help\` says the same.

- A command works over REST, with the daemon of \`--url\` (or \`EVERDRAFT_URL\`) and \`--token\` (or \`EVERDRAFT_TOKEN\`), or of the folder of \`--data\` (or \`EVERDRAFT_DATA\`); with no daemon on that folder it works on the folder itself.
- The exit code is 0 only when the job was done, 1 where it was not, with the reason on standard error, 2 on wrong usage, and 130 when it was interrupted.
- \`--json\` prints what REST answers. How far long work is, is shown on standard error, and only on a terminal.
- \`everdraft completion bash\`, \`zsh\` or \`fish\` prints what completes all of this in that shell.
`

/** docs/cli.md. */
export function commandsDocument(): string {
  return [introduction, ...commands.map(section)].join('\n')
}

function section(command: Command): string {
  const operands = (command.operands ?? []).map((operand) => ` ${operand}`).join('')
  const options = Object.entries(command.options).map(optionLine)
  return [
    `## everdraft ${command.name}${operands}`,
    '',
    `${command.summary}.${command.details === undefined ? '' : `\n\n${detailsText(command.details)}`}`,
    ...(options.length === 0 ? [] : ['', ...options]),
    '',
  ].join('\n')
}

/** What is indented for the terminal stays as it is. */
function detailsText(details: string): string {
  return details
    .split(/\n(?= {2})/)
    .map((part) => (part.startsWith('  ') ? `    ${part.trim()}` : part))
    .join('\n')
    .replace(/\n(?= {4})/, '\n\n')
}

function optionLine([name, { value, help }]: readonly [string, Option]): string {
  return `- \`--${name}${value === undefined ? '' : ` ${value}`}\` ${help}`
}
