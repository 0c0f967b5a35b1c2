import type { Command } from '../command.ts'
import { bashCompletion } from '../completion/bash.ts'
import { completionsOf } from '../completion/completions.ts'
import { fishCompletion } from '../completion/fish.ts'
import { zshCompletion } from '../completion/zsh.ts'
import { UsageError } from '../failure.ts'

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

const details = `Put it where the shell looks for such files, or have it read at the start:
  bash  source <(everdraft completion bash)                                  in ~/.bashrc
  zsh   source <(everdraft completion zsh)                                   in ~/.zshrc, after compinit
  fish  everdraft completion fish > ~/.config/fish/completions/everdraft.fish`

/** It is of the table in which it stands itself: hence a function. */
export function completion(table: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'Print what lets a shell complete these commands',
    details,
    operands: ['bash|zsh|fish'],
    options: {},
    run: async (input) => {
      const shell = Object.entries(shells).find(([name]) => name === input.operand(0))
      if (shell === undefined) throw new UsageError(`must be ${Object.keys(shells).join(' or ')}: ${input.operand(0)}`)
      process.stdout.write(shell[1](completionsOf(table())))
    },
  }
}
