import {
  type CompletedCommand,
  type Completions,
  type Expected,
  firstWords,
  quoted,
  secondWords,
} from './completions.ts'

export function zshCompletion(completions: Completions): string {
  return `#compdef everdraft
# Completion of everdraft for zsh: source it after compinit, or put it as _everdraft into a folder of $fpath.
_everdraft() {
  local before=\${words[CURRENT-1]} command=\${words[2]} operand=$((CURRENT - 3))
  local -a found
  if (( CURRENT == 2 )); then
    found=(${described(firstWords(completions))} '--help:all commands' '--version:of this program')
    _describe command found
    return
  fi
  case $command in
    ${completions.groups.join('|')})
      if (( CURRENT == 3 )); then
        case $command in
${completions.groups.map((group) => `          ${group}) found=(${described(secondWords(completions, group))}) ;;`).join('\n')}
        esac
        _describe command found
        return
      fi
      command="$command \${words[3]}" operand=$((CURRENT - 4)) ;;
  esac
  case $command in
${completions.commands.map(commandCase).join('\n')}
  esac
}
if [ "\${funcstack[1]}" = _everdraft ]; then _everdraft "$@"; else compdef _everdraft everdraft; fi
`
}

function commandCase({ words, options, operands }: CompletedCommand): string {
  const values = options.flatMap(({ name, value }) =>
    value === null ? [] : [`        ${name}) ${answer(value)}; return ;;`],
  )
  const names = `found=(${described(options.map(({ name, help }) => ({ word: name, summary: help })))}); _describe -o option found`
  return `    ${quoted(words.join(' '))})
      case $before in
${values.join('\n')}
      esac
      case \${words[CURRENT]} in -*) ${names}; return ;; esac
      case $operand in
${operands.map((operand, index) => `        ${index}) ${answer(operand)} ;;`).join('\n')}
        *) ${names} ;;
      esac ;;`
}

function answer(expected: Expected): string {
  switch (expected.kind) {
    case 'words':
      return `compadd -- ${expected.words.map(quoted).join(' ')}`
    case 'file':
      return '_files'
    case 'folder':
      return '_files -/'
    case 'anything':
      return ':'
  }
}

/** `_describe` takes `word:text`. */
function described(listed: readonly { readonly word: string; readonly summary: string }[]): string {
  return listed.map(({ word, summary }) => quoted(`${word}:${summary}`)).join(' ')
}
