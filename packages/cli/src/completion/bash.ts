import {
  type CompletedCommand,
  type Completions,
  type Expected,
  firstWords,
  quoted,
  secondWords,
} from './completions.ts'

export function bashCompletion(completions: Completions): string {
  const groups = completions.groups.map(
    (group) => `    ${group}) words=${quoted(wordsOf(secondWords(completions, group)))} ;;`,
  )
  return `# Completion of everdraft for bash: source it, or put it into a folder of bash-completion.
_everdraft() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} place=$COMP_CWORD words=
  COMPREPLY=()
  # --option=value comes as three words.
  if [ "$current" = = ]; then current=; elif [ "$before" = = ]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [ "$place" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(`${wordsOf(firstWords(completions))} --help --version`)} -- "$current"))
    return
  fi
  local command=\${COMP_WORDS[1]} operand=$((place - 2))
  case $command in
${groups.join('\n')}
  esac
  if [ -n "$words" ]; then
    if [ "$place" -eq 2 ]; then
      COMPREPLY=($(compgen -W "$words --help" -- "$current"))
      return
    fi
    command="$command \${COMP_WORDS[2]}" operand=$((place - 3))
  fi
  case $command in
${completions.commands.map(commandCase).join('\n')}
  esac
}
complete -F _everdraft everdraft
`
}

function commandCase({ words, options, operands }: CompletedCommand): string {
  const values = options.flatMap(({ name, value }) =>
    value === null ? [] : [`        ${name}) ${answer(value)}; return ;;`],
  )
  const names = options.map(({ name }) => name).join(' ')
  return `    ${quoted(words.join(' '))})
      case $before in
${values.join('\n')}
      esac
      case $current in -*) COMPREPLY=($(compgen -W ${quoted(names)} -- "$current")); return ;; esac
      case $operand in
${operands.map((operand, index) => `        ${index}) ${answer(operand)} ;;`).join('\n')}
        *) COMPREPLY=($(compgen -W ${quoted(names)} -- "$current")) ;;
      esac ;;`
}

function answer(expected: Expected): string {
  switch (expected.kind) {
    case 'words':
      return `COMPREPLY=($(compgen -W ${quoted(expected.words.join(' '))} -- "$current"))`
    case 'file':
      return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")`
    case 'folder':
      return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current")`
    case 'anything':
      return ':'
  }
}

function wordsOf(listed: readonly { readonly word: string }[]): string {
  return listed.map(({ word }) => word).join(' ')
}
