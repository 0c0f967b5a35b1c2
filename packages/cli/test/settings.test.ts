import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { readSettings } from '../src/settings.ts'
import { temporaryFolder } from './harness.ts'

async function read(
  flags: Record<string, string>,
  environment: Record<string, string> = {},
): ReturnType<typeof readSettings> {
  return readSettings({ flag: (name) => flags[name], environment })
}

test('flags win over the environment, and that over the config file', async () => {
  const data = await temporaryFolder()
  await writeFile(join(data, 'config.json'), JSON.stringify({ listen: '127.0.0.1:1', token: 'of-file' }))
  expect(await read({ data })).toEqual({
    databaseUrl: null,
    data,
    listen: { host: '127.0.0.1', port: 1 },
    token: 'of-file',
    draftOnly: true,
    responders: null,
    hosts: [],
    requestsPerMinute: null,
    streamsPerToken: null,
    bounceDays: null,
    keep: { trashDays: null, logDays: null, sendDays: null },
  })
  const environment = {
    EVERDRAFT_LISTEN: '[::1]:2',
    EVERDRAFT_TOKEN: 'of-environment',
    EVERDRAFT_RESPONDERS: 'answers',
    DRAFT_ONLY: 'false',
  }
  expect(await read({ data }, environment)).toMatchObject({
    listen: { host: '::1', port: 2 },
    token: 'of-environment',
    draftOnly: false,
    responders: 'answers',
  })
  const limits = { EVERDRAFT_HOSTS: 'mail.example.com, everdraft', EVERDRAFT_REQUESTS_PER_MINUTE: '0' }
  expect(await read({ data }, limits)).toMatchObject({ hosts: ['mail.example.com', 'everdraft'], requestsPerMinute: 0 })
  await writeFile(join(data, 'config.json'), '{"keep_send_days": 90, "bounce_days": 3}')
  const days = { EVERDRAFT_KEEP_LOG_DAYS: '7', EVERDRAFT_BOUNCE_DAYS: '0' }
  expect(await read({ data, 'keep-trash-days': '1', 'streams-per-token': '5' }, days)).toMatchObject({
    streamsPerToken: 5,
    bounceDays: 0,
    keep: { trashDays: 1, logDays: 7, sendDays: 90 },
  })
  expect(await read({ data, listen: 'localhost:3', token: 'of-flag' }, environment)).toMatchObject({
    listen: { host: 'localhost', port: 3 },
    token: 'of-flag',
  })
})

test('a bad setting is an error that names it as it was written, and never repeats a token', async () => {
  const data = await temporaryFolder()
  for (const [flags, environment, named] of [
    [{ listen: 'nowhere' }, {}, '--listen: must be HOST:PORT'],
    [{ listen: '127.0.0.1:70000' }, {}, '--listen: must be HOST:PORT'],
    [{}, { EVERDRAFT_LISTEN: '8025' }, 'EVERDRAFT_LISTEN: must be HOST:PORT'],
    [{}, { DRAFT_ONLY: 'maybe' }, 'DRAFT_ONLY: must be true or false'],
    [{ hosts: 'a b' }, {}, '--hosts: must be names'],
    [{ hosts: 'https://mail.example.com' }, {}, '--hosts: must be names'],
    [{}, { EVERDRAFT_REQUESTS_PER_MINUTE: 'many' }, 'EVERDRAFT_REQUESTS_PER_MINUTE: must be a whole number'],
    [{}, { EVERDRAFT_STREAMS_PER_TOKEN: '-1' }, 'EVERDRAFT_STREAMS_PER_TOKEN: must be a whole number'],
    [{ 'keep-trash-days': '0' }, {}, '--keep-trash-days: must be a whole number of days, 1 to 36500'],
    [{ 'bounce-days': '1.5' }, {}, '--bounce-days: must be a whole number of days, 0 to 36500'],
    [{ token: 'two words' }, {}, '--token: must be'],
    [{ 'database-url': 'mysql://u:p@h/d' }, {}, '--database-url: must be a URL like postgres://'],
    [{}, { EVERDRAFT_DATABASE_URL: 'u:p@h/d' }, 'EVERDRAFT_DATABASE_URL: must be a URL like postgres://'],
    [{}, { EVERDRAFT_LISTENS: '127.0.0.1:1' }, 'unknown setting: EVERDRAFT_LISTENS'],
    [{ config: join(data, 'none.json') }, {}, 'none.json cannot be read'],
  ] as const) {
    const failure = await read({ data, ...flags }, environment).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'UsageError', message: expect.stringContaining(named) })
    expect((failure as Error).message).not.toMatch(/two words|u:p@h/)
  }
})

test('an unknown or wrong key of the config file is named with its file', async () => {
  const data = await temporaryFolder()
  const path = join(data, 'config.json')
  for (const [text, named] of [
    ['{"listn": "127.0.0.1:1"}', 'unknown setting: listn'],
    ['{"listen": ["127.0.0.1:1"]}', 'listen: must be a text'],
    ['{"requests_per_minute": 1.5}', 'requests_per_minute: must be a whole number'],
    ['[]', 'must be a JSON object'],
    ['{"token": "abc', 'must be a JSON object'],
  ] as const) {
    await writeFile(path, text)
    await expect(read({ data })).rejects.toThrow(`${path}: ${named}`)
  }
})

test('what Kubernetes sets for a service called everdraft is not taken for a setting', async () => {
  const environment = {
    EVERDRAFT_SERVICE_HOST: '10.0.0.1',
    EVERDRAFT_PORT: 'tcp://10.0.0.1:80',
    EVERDRAFT_PORT_80_TCP: 'x',
  }
  expect(await read({ data: await temporaryFolder() }, environment)).toMatchObject({ listen: { port: 8025 } })
})
