import { expect, test } from 'vitest'

import { everdraft } from './harness.ts'

test('wrong usage exits 2 and names what is wrong', async () => {
  for (const [args, named] of [
    [['frobnicate'], 'unknown command: frobnicate'],
    [['--frobnicate'], 'unknown option: --frobnicate'],
    [['demo', '--twice'], "Unknown option '--twice'"],
    [['demo', '--once=yes'], '--once'],
    [['draft', 'lose'], 'unknown command: draft lose'],
    [['draft', 'show'], 'ID is missing'],
    [['draft', 'show', 'a', 'b'], 'unexpected argument: b'],
    [['draft', 'list', '--limit', '0'], '--limit'],
    [['draft', 'restore', 'a'], 'VERSION is missing'],
    [['draft', 'restore', 'a', 'changes'], 'VERSION: must be'],
    [['draft', 'search'], 'WORDS is missing'],
    [['draft', 'resolve', 'a', 'b'], '--strategy is needed, or the merged fields'],
    [['draft', 'resolve', 'a', 'b', '--strategy', 'mine'], '--strategy: must be'],
    [['draft', 'resolve', 'a', 'b', '--strategy', 'merge', '--text', 'x'], 'only one of them'],
    [['template', 'add'], '--name is needed'],
    [['task', 'show'], 'ID is missing'],
    [['serve', '--listen'], '--listen'],
    [['account', 'add'], '--address is needed'],
    [['account', 'add', '--address', 'a@b'], '--imap-host is needed'],
    [['account', 'add', '--address', 'a@b', '--imap-host', 'h', '--smtp-port', '25'], '--smtp-host is needed'],
    [
      ['account', 'add', '--address', 'a@b', '--imap-host', 'h', '--oauth-scope', 's'],
      '--oauth-token-endpoint is needed',
    ],
    [
      ['account', 'add', '--address', 'a@b', '--imap-host', 'h', '--proxy', 'socks5://u:p@h:1'],
      '--proxy: a password is never an argument',
    ],
    [['account', 'change', 'a'], 'nothing to change'],
    [['export', 'x', '--format', 'zip'], '--format: must be'],
    [['import', 'x', '--on-conflict', 'mine'], '--on-conflict: must be'],
    [['completion'], 'bash|zsh|fish is missing'],
    [['completion', 'tcsh'], 'must be bash or zsh or fish'],
    [['sync', '--url', 'nowhere'], '--url'],
    [['sync', '--url', 'http://127.0.0.1:1', '--data', '/x'], '--url and --data'],
    [[], 'which command?'],
  ] as const) {
    const { code, stdout, stderr } = await everdraft(args, { env: { XDG_DATA_HOME: '/nonexistent/data' } })
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
    expect(stderr).toContain(named)
    expect(stderr).toContain('--help')
  }
})

test('every command that --help lists has its own --help', async () => {
  const overview = await everdraft(['--help'])
  expect(overview.code).toBe(0)
  const commands = [...overview.stdout.matchAll(/^ {2}(\w+(?: [\w-]+)?) {2,}/gm)].map(([, name = '']) => name)
  expect(commands.toSorted()).toEqual([
    'account add',
    'account change',
    'account list',
    'account remove',
    'account verify',
    'backup',
    'completion',
    'demo',
    'doctor',
    'draft approve',
    'draft attach',
    'draft conflicts',
    'draft create',
    'draft discard',
    'draft discard-changes',
    'draft edit',
    'draft history',
    'draft list',
    'draft reply',
    'draft resolve',
    'draft restore',
    'draft review',
    'draft search',
    'draft send',
    'draft show',
    'draft undiscard',
    'export',
    'import',
    'key rotate',
    'send cancel',
    'send list',
    'send release',
    'send resolve',
    'send retry',
    'send show',
    'serve',
    'sync',
    'task list',
    'task retry',
    'task show',
    'template add',
    'template list',
    'template remove',
    'token create',
    'token list',
    'token revoke',
    'worker',
  ])
  for (const command of commands) {
    const { code, stdout } = await everdraft([...command.split(' '), '--help'])
    expect({ command, code }).toEqual({ command, code: 0 })
    expect(stdout).toMatch(new RegExp(`^everdraft ${command} `))
  }
})

test('a daemon that does not answer is exit code 1, and says where it was looked for', async () => {
  const { code, stderr } = await everdraft([
    'account',
    'list',
    '--url',
    'http://127.0.0.1:1',
    '--token',
    'secret-token',
  ])
  expect(code).toBe(1)
  expect(stderr).toContain('no daemon answers at http://127.0.0.1:1')
  expect(stderr).not.toContain('secret-token')
})
