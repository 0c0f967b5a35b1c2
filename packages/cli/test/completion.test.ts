import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { commands } from '../src/command-table.ts'
import { everdraft, temporaryFolder } from './harness.ts'

interface Shell {
  /** Its program, and how it runs a script without files of the user's own. */
  readonly program: readonly [string, ...string[]]
  /** A script that prints what is offered for the last of the words, line by line. */
  readonly offer: (words: readonly string[]) => string
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

const shells: Readonly<Record<'bash' | 'zsh' | 'fish', Shell>> = {
  bash: {
    program: ['bash', '--norc', '--noprofile', '-c'],
    offer: (words) => `
      COMP_WORDS=(everdraft ${words.map(quoted).join(' ')}); COMP_CWORD=${words.length}
      _everdraft; [ \${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"`,
  },
  zsh: {
    program: ['zsh', '-f', '-c'],
    // What zsh itself does with what it is given is not ours to test: here it is printed.
    offer: (words) => `
      current=${quoted(words.at(-1) ?? '')}
      offer() { local each; for each in "$@"; do [[ $each == $current* ]] && print -r -- $each; done; true }
      _describe() { local name=$argv[-1]; offer \${\${(P)name}%%:*} }
      compadd() { shift; offer "$@" }
      _files() { if [[ $1 == -/ ]]; then offer *(/N); else offer *(N); fi }
      words=(everdraft ${words.map(quoted).join(' ')}); CURRENT=${words.length + 1}
      _everdraft`,
  },
  fish: {
    program: ['fish', '--no-config', '-c'],
    offer: (words) => `complete -C ${quoted(['everdraft', ...words].join(' '))}`,
  },
}

describe.each(Object.entries(shells))('%s', (name, { program: [file, ...options], offer }) => {
  const isThere = spawnSync(file, ['--version']).error === undefined

  /** What the shell offers for each of these beginnings. */
  async function offered(beginnings: readonly (readonly string[])[], folder: string): Promise<readonly string[][]> {
    const { code, stdout: script } = await everdraft(['completion', name])
    expect(code).toBe(0)
    await writeFile(join(folder, '.script'), script)
    const before = name === 'zsh' ? 'compdef() { true }\n' : ''
    const text = `${before}source ./.script\n${beginnings.map((words) => `${offer(words)}\necho '#'`).join('\n')}`
    const { status, stdout, stderr } = spawnSync(file, [...options, text], { cwd: folder, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const found = stdout.split(/^#\n/m).slice(0, -1)
    return found.map((lines) =>
      lines
        .split('\n')
        // Fish says what a word means behind a tab, and marks folders.
        .map((line) => line.split('\t')[0]?.replace(/\/$/, '') ?? '')
        .filter((word) => word !== '')
        .toSorted(),
    )
  }

  // skipped: where the shell is not installed
  test.skipIf(!isThere)('offers commands, options and what they may be, files and folders', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'a folder'))
    await writeFile(join(folder, 'a file.txt'), '')
    const expected = [
      [['dr'], ['draft']],
      [['draft', 'li'], ['list']],
      [
        ['draft', 'disc'],
        ['discard', 'discard-changes'],
      ],
      [
        ['send', 're'],
        ['release', 'resolve', 'retry'],
      ],
      [['account', 'add', '--imap-sec'], ['--imap-security']],
      [
        ['account', 'add', '--imap-security', ''],
        ['none', 'starttls', 'tls'],
      ],
      [
        ['draft', 'list', '--status', 's'],
        ['sending', 'sent'],
      ],
      [
        ['completion', ''],
        ['bash', 'fish', 'zsh'],
      ],
      [
        ['draft', 'create', '--text-file', 'a'],
        ['a file.txt', 'a folder'],
      ],
      [['serve', '--data', 'a'], ['a folder']],
      [['draft', 'show', '--account', 'x'], []],
      [['nonsense', 'x'], []],
    ] as const
    const found = await offered(
      expected.map(([words]) => words),
      folder,
    )
    expect(found).toEqual(expected.map(([, words]) => words))
  })

  // skipped: where the shell is not installed
  test.skipIf(!isThere)('knows every command of the table with all of its options', async () => {
    const folder = await temporaryFolder()
    const found = await offered(
      commands.map((command) => [...command.name.split(' '), '--']),
      folder,
    )
    expect(found).toEqual(
      commands.map((command) => [...Object.keys(command.options), 'help'].map((option) => `--${option}`).toSorted()),
    )
  })
})
