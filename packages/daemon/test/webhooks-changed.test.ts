import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, defaultOwner, type Engine } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { keysFromText, sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { start } from './harness.ts'
import { attempts, type Delivered, hook, isSigned, quick, receive } from './webhook-receiver.ts'

describe('a webhook that is changed', () => {
  const events = ['draft-created']

  test('goes elsewhere at once with what the old place did not take, and brings what it is told to', async () => {
    const running = await start({
      webhooks: { policy: { backOff: { firstMs: 3_600_000, longestMs: 3_600_000 }, disableAfterMs: 3_600_000 } },
    })
    const [old, place] = [await receive(() => ({ status: 500 })), await receive()]
    const { id: accountId } = await running.addAccount()
    const { id, secret, ...made } = await hook(running, old.url, { events })
    const first = await running.addDraft(accountId)
    await expect.poll(() => attempts(running, id)).toHaveLength(1)
    const moved = await running.call('PATCH', `/webhooks/${id}`, { json: { url: place.url } })
    expect(moved).toMatchObject({
      status: 200,
      body: { ...made, url: place.url, status: 'active', failures: 0, next_attempt_at: null },
    })
    await place.count(1)
    expect(isSigned(secret, place.delivered[0]!)).toBe(true)

    await running.call('PATCH', `/webhooks/${id}`, { json: { events: ['draft-saved', 'draft-discarded'] } })
    await running.addDraft(accountId)
    await running.call('PUT', `/accounts/${accountId}/drafts/${first.id}`, { json: { text: 'More' } })
    await place.count(2)
    const all = await running.call('PATCH', `/webhooks/${id}`, { json: { events: null } })
    expect(all.body).toMatchObject({ url: place.url, events: null })
    const third = await running.addDraft(accountId)
    await place.count(3)
    expect(place.delivered.map(({ body }) => [body.type, body.draft_id])).toEqual([
      ['draft-created', first.id],
      ['draft-saved', first.id],
      ['draft-created', third.id],
    ])
    expect(old.delivered).toHaveLength(1)
    expect((await running.call('PATCH', `/webhooks/${id}`, { json: {} })).body).toEqual(all.body)
  })

  test('brings nothing while it is not enabled, also over what was on its way, and then goes on from where it was', async () => {
    const running = await start({ webhooks: quick })
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const receiver = await receive()
    const { id: accountId } = await running.addAccount()
    const { id } = await hook(running, receiver.url, { events })
    const drafts = [await running.addDraft(accountId)]
    await receiver.count(1)
    const paused = await running.call('PATCH', `/webhooks/${id}`, { json: { enabled: false } })
    expect(paused.body).toMatchObject({ status: 'disabled', disabled_at: expect.any(String) })
    const known = receiver.delivered.length
    drafts.push(await running.addDraft(accountId), await running.addDraft(accountId))
    // Somebody else's have come meanwhile: deliveries go on, and not here.
    const other = await receive(() => {
      letGo()
      return { status: 204 }
    })
    await hook(running, other.url, { events })
    drafts.push(await running.addDraft(accountId))
    await held
    expect(receiver.delivered).toHaveLength(known)
    const again = await running.call('PATCH', `/webhooks/${id}`, { json: { enabled: true } })
    expect(again.body).toMatchObject({ status: 'active', disabled_at: null })
    await receiver.until(() => receiver.delivered.at(-1)?.body.draft_id === drafts.at(-1)?.id)
    expect([...new Set(receiver.delivered.map(({ body }) => body.draft_id))]).toEqual(drafts.map((draft) => draft.id))
  })

  test('has a new secret: the old one signs beside it until its time is over, and is kept no longer', async () => {
    let shiftMs = 0
    const running = await start({}, { now: () => Date.now() + shiftMs })
    const receiver = await receive()
    const { id, secret: first } = await hook(running, receiver.url)
    const ping = async (): Promise<Delivered> => {
      await running.call('POST', `/webhooks/${id}/test`)
      return receiver.delivered.at(-1)!
    }
    const changed = await running.call('POST', `/webhooks/${id}/secret`, { json: { previous_valid_seconds: 3_600 } })
    const { secret: second, previous_secret_expires_at: expiresAt } = changed.body
    expect(changed.status).toBe(200)
    expect(second).toMatch(/^whsec_[0-9a-f]{64}$/)
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 3_600_000)).toBeLessThan(60_000)
    expect((await running.call('GET', '/webhooks')).body.items[0].previous_secret_expires_at).toBe(expiresAt)
    const both = await ping()
    expect(String(both.headers['everdraft-signature'])).toMatch(/^v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/)
    expect([first, second, `${second}0`].map((secret) => isSigned(secret, both))).toEqual([true, true, false])

    // Another change: what was before the previous one is over.
    const { secret: third } = (await running.call('POST', `/webhooks/${id}/secret`)).body
    const next = await ping()
    expect([first, second, third].map((secret) => isSigned(secret, next))).toEqual([false, true, true])
    shiftMs = 24 * 3_600_000 + 1_000
    const late = await ping()
    expect(String(late.headers['everdraft-signature'])).toMatch(/^v1=[0-9a-f]{64}$/)
    expect([second, third].map((secret) => isSigned(secret, late))).toEqual([false, true])
    await running.engine.housekeep()
    expect((await running.engine.webhooks.get(id)).previousSecretUntil).toBeNull()

    const { secret: fourth } = (
      await running.call('POST', `/webhooks/${id}/secret`, { json: { previous_valid_seconds: 0 } })
    ).body
    const last = await ping()
    expect([third, fourth].map((secret) => isSigned(secret, last))).toEqual([false, true])
  })

  test('has both secrets sealed, by a new key as soon as there is one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-webhooks-test-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const keys = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64'))
    const [before = '', after = ''] = keys
    const open = (text: string): Promise<Engine> =>
      createEngine({
        storage: sqlite(join(folder, 'everdraft.db')),
        mailbox: imap(),
        secrets: keysFromText(text, 'the keys'),
      })
    const engine = await open(before)
    const { webhook, secret: old } = await engine.webhooks.add({
      owner: defaultOwner,
      url: 'https://hooks.example.com',
    })
    const { secret } = await engine.webhooks.changeSecret(webhook.id)
    await engine.close()
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), 'utf8')
      for (const one of [old, secret]) expect(text).not.toContain(one)
    }
    await (await open(`${after},${before}`)).close()
    const later = await open(after)
    expect(await later.webhooks.secrets(webhook.id)).toEqual([secret, old])
    await later.close()
  })

  test('is changed to nothing that none may be', async () => {
    const running = await start()
    const { id } = await hook(running, 'https://hooks.example.com', { allow_private: false })
    for (const [json, path] of [
      [{ url: 'http://hooks.example.com/' }, 'url'],
      [{ url: null }, 'url'],
      [{ events: [] }, 'events'],
      [{ events: ['draft-lost'] }, 'events[0]'],
      [{ enabled: 'yes' }, 'enabled'],
      [{ secret: 'mine' }, 'secret'],
      [{ allow_private: true }, 'allow_private'],
    ] as const) {
      expect(await running.call('PATCH', `/webhooks/${id}`, { json }), JSON.stringify(json)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR', errors: [{ path }] },
      })
    }
    for (const seconds of [-1, 604_801, 1.5]) {
      const json = { previous_valid_seconds: seconds }
      expect(await running.call('POST', `/webhooks/${id}/secret`, { json })).toMatchObject({ status: 400 })
    }
    expect((await running.call('GET', '/webhooks')).body.items[0]).toMatchObject({
      url: 'https://hooks.example.com/',
      status: 'active',
      previous_secret_expires_at: null,
    })
  })
})
