import {
  type CompletedCommand,
  type CompletedOption,
  type Completions,
  type Expected,
  firstWords,
  secondWords,
} from './completions.ts'

export function fishCompletion(completions: Completions): string {
  const commands = completions.commands.flatMap(commandLines)
  const groups = completions.groups.flatMap((group) =>
    secondWords(completions, group).map((row) => wordLine(`__everdraft_at ${group}`, row)),
  )
  return `# Completion of everdraft for fish: put it as everdraft.fish into a folder of $fish_complete_path.
function __everdraft_at --description 'These words are typed, and none after them'
    set -l typed (commandline -opc)
    test "$typed[2..]" = "$argv"
end
function __everdraft_in --description 'These words are typed first'
    set -l typed (commandline -opc)
    set -l last (math (count $argv) + 1)
    test (count $typed) -ge $last; and test "$typed[2..$last]" = "$argv"
end
complete -c everdraft -f
${firstWords(completions)
  .map((row) => wordLine('test (count (commandline -opc)) -eq 1', row))
  .join('\n')}
complete -c everdraft -n 'test (count (commandline -opc)) -eq 1' -l version -d 'of this program'
complete -c everdraft -n 'test (count (commandline -opc)) -eq 1' -l help -d 'all commands'
${[...groups, ...commands].join('\n')}
`
}

function wordLine(condition: string, { word, summary }: { readonly word: string; readonly summary: string }): string {
  return `complete -c everdraft -n ${fishQuoted(condition)} -a ${word} -d ${fishQuoted(summary)}`
}

function commandLines({ words, options, operands }: CompletedCommand): readonly string[] {
  const start = `complete -c everdraft -n ${fishQuoted(`__everdraft_in ${words.join(' ')}`)}`
  // Fish does not count operands: what one of them may be is offered for each.
  const offered = operands.flatMap((operand) => {
    const answer = answerOf(operand)
    return answer === '' ? [] : [`${start}${answer}`]
  })
  return [...options.map((option) => `${start}${optionText(option)}`), ...offered]
}

function optionText({ name, help, value }: CompletedOption): string {
  const takes = value === null ? '' : `${value.kind === 'file' ? ' -r' : ' -x'}${answerOf(value)}`
  return ` -l ${name.slice(2)}${takes} -d ${fishQuoted(help)}`
}

function answerOf(expected: Expected): string {
  switch (expected.kind) {
    case 'words':
      return ` -a ${fishQuoted(expected.words.join(' '))}`
    case 'file':
      return ' -F'
    case 'folder':
      return ` -a '(__fish_complete_directories (commandline -ct))'`
    case 'anything':
      return ''
  }
}

/** In fish's single quotes a backslash escapes itself and the quote, and nothing else. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
