import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { AccountId, TokenRequest } from '@everdraft/core'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { refreshTokens } from '../src/index.ts'

interface Answer {
  readonly status: number
  readonly body: object
}

let answer: Answer = { status: 200, body: {} }
const forms: string[] = []
const endpoint = createServer((incoming, response) => {
  let form = ''
  incoming.setEncoding('utf8')
  incoming.on('data', (piece: string) => (form += piece))
  incoming.on('end', () => {
    forms.push(form)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
})

beforeEach(async () => {
  forms.length = 0
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  await new Promise((resolve) => endpoint.close(resolve))
})

function request(kept: string[] = [], renew = false): TokenRequest {
  const { port } = endpoint.address() as AddressInfo
  return {
    accountId: 'account' as AccountId,
    address: 'ann@example.org',
    login: 'imap',
    user: 'ann',
    renew,
    refresh: { tokenEndpoint: `http://127.0.0.1:${port}/token`, clientId: 'everdraft', refreshToken: 'refresh-word' },
    keepRefreshToken: async (next) => void kept.push(next),
  }
}

test('a token is got once and kept until it ends; a refused one is renewed', async () => {
  const tokens = refreshTokens()
  const kept: string[] = []
  answer = { status: 200, body: { access_token: 'one', expires_in: 3600, refresh_token: 'next-word' } }
  expect(await tokens(request(kept))).toBe('one')
  answer = { status: 200, body: { access_token: 'two', expires_in: 10 } }
  expect(await tokens(request(kept))).toBe('one')
  expect(await tokens(request(kept, true))).toBe('two')
  // That one ends too soon to be given again.
  await tokens(request(kept))
  expect(kept).toEqual(['next-word'])
  expect(forms).toHaveLength(3)
  expect(forms[0]).toBe('grant_type=refresh_token&refresh_token=refresh-word&client_id=everdraft')
})

test('a refusal says its code, and nothing that was sent', async () => {
  answer = { status: 400, body: { error: 'invalid_grant', error_description: 'refresh-word is old' } }
  const refused = refreshTokens()(request())
  await expect(refused).rejects.toMatchObject({
    code: 'AUTH_FAILED',
    message: expect.stringContaining('invalid_grant'),
  })
  await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('refresh-word') })
  answer = { status: 503, body: {} }
  await expect(refreshTokens()(request())).rejects.toMatchObject({ code: 'UNREACHABLE' })
})
