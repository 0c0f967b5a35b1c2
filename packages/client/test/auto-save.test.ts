import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'

import { describe, expect, test } from 'vitest'

import { isChromiumHere } from './chromium.ts'
import { inChromium } from './in-chromium.ts'
import { type Composing, startComposing } from './editor-page.ts'
import { token } from './harness.ts'

// skipped: where there is no Chromium
describe.skipIf(!isChromiumHere)('auto-save in Chromium', () => {
  const both = inChromium()
  const compose = async (options?: Parameters<typeof startComposing>[1]): Promise<Composing> =>
    await startComposing(both, options)

  test('what is typed is saved after a pause, and steady typing all the same', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '1000' })
    await page.type('a word')
    expect(await page.evaluate('until("saved")')).toEqual({ state: 'saved', shadow: 'kept', version: 3 })
    expect(await composing.stored()).toMatchObject({ version: 3, text: 'Dear Ann,\n\nthe end\na word' })

    const steady = await composing.open({ interval: '60000', longestInterval: '1000' })
    await steady.evaluate(
      `window.typing = setInterval(() => { body.value += '.'; body.dispatchEvent(new Event('input', { bubbles: true })) }, 50)`,
    )
    await composing.untilStored(4)
    await steady.evaluate('clearInterval(typing)')
    expect((await composing.stored()).text).toMatch(/^Dear Ann,\n\nthe end\na word\.+$/)
  })

  test('the words are in the stores that docs/browser.md names, by their keys and indexes', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '60000', tenantId: 'acme' })
    const stores = await page.evaluate(`(async () => {
      const db = await new Promise((resolve) => { indexedDB.open('everdraft_email_acme').onsuccess = ({ target }) => resolve(target.result) })
      return [...db.objectStoreNames].map((name) => {
        const { keyPath, indexNames } = db.transaction(name).objectStore(name)
        return [name, keyPath, [...indexNames]]
      })
    })()`)
    expect(stores).toEqual([
      ['draft_attachments', ['draftId', 'attachmentId'], ['draftId']],
      ['draft_saves', 'saveId', ['draftId']],
      ['drafts', 'draftId', ['accountId', 'lastSavedAt', 'userId']],
    ])
    await page.type('kept')
    await page.evaluate('untilKept("kept")')
    expect(await page.evaluate('shadow("drafts")')).toMatchObject([
      { draftId: composing.draftId, accountId: composing.accountId, userId: 'default', tenantId: 'acme' },
    ])
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'saved' })
    const [save] = await page.evaluate<readonly object[]>('shadow("draft_saves")')
    expect(Object.keys(save ?? {}).toSorted()).toEqual(['device', 'draftId', 'saveId', 'savedAt'])
  })

  test('H17 a draft that is opened, looked at and closed is not saved', async () => {
    const composing = await compose()
    const page = await composing.open({ trims: 'yes' })
    expect(await page.evaluate('body.value')).toBe('Dear Ann,\n\nthe end')
    await page.evaluate('body.dispatchEvent(new Event("input", { bubbles: true })), made.close()')
    expect(await page.evaluate('statuses')).toEqual([{ state: 'saved', shadow: 'kept', version: 2 }])
    expect(await composing.stored()).toMatchObject({ version: 2 })
  })

  test('a tab that is killed in mid-typing: the next load offers the words that were lost', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '60000' })
    await page.type('never sent')
    await page.evaluate('untilKept("never sent")')
    await page.crash()
    expect(await composing.stored()).toMatchObject({ version: 2 })

    const later = await composing.open({ choice: 'later' })
    expect(await later.evaluate('body.value')).toBe('Dear Ann,\n\nthe end\n')
    const next = await composing.open({ choice: 'restore' })
    const offered = {
      content: { body: 'Dear Ann,\n\nthe end\nnever sent' },
      stored: { body: 'Dear Ann,\n\nthe end\n' },
    }
    expect(await next.evaluate('recoveries')).toMatchObject([{ ...offered, diverged: false }])
    await next.evaluate('until("saved")')
    expect(await composing.stored()).toMatchObject({ version: 3, text: 'Dear Ann,\n\nthe end\nnever sent' })
    // Once they are saved nothing is offered any more.
    expect(await (await composing.open()).evaluate('recoveries')).toEqual([])
  })

  test('lost words of a draft that others have edited since are merged, and what cannot be merged is asked about', async () => {
    const composing = await compose()
    const { client, accountId, draftId } = composing
    const crash = async (words: string): Promise<void> => {
      const page = await composing.open({ interval: '60000' })
      await page.type(words)
      await page.evaluate(`untilKept(${JSON.stringify(words)})`)
      await page.crash()
    }
    const saveElsewhere = async (text: string): Promise<void> => {
      const path = { id: accountId, draft_id: draftId }
      await client.PUT('/accounts/{id}/drafts/{draft_id}', { params: { path }, body: { text } })
    }
    await crash('mine')
    await saveElsewhere('Dear Ann and Bob,\n\nthe end\n')
    const merging = await composing.open({ choice: 'restore' })
    expect(await merging.evaluate('recoveries')).toMatchObject([{ diverged: true }])
    await merging.evaluate('until("saved")')
    expect(await merging.evaluate('body.value')).toBe('Dear Ann and Bob,\n\nthe end\nmine')
    expect((await composing.stored()).text).toBe('Dear Ann and Bob,\n\nthe end\nmine')
    await merging.close()

    await crash(' again')
    await saveElsewhere('Dear Ann and Bob,\n\nthe end\ntheirs')
    const asking = await composing.open({ choice: 'restore' })
    const told = {
      state: 'conflict',
      conflict: { fields: ['body'], theirs: { body: 'Dear Ann and Bob,\n\nthe end\ntheirs' } },
    }
    expect(await asking.evaluate('until("conflict")')).toMatchObject(told)
    // Nothing was saved over, and nothing that was recovered is gone.
    expect((await composing.stored()).text).toBe('Dear Ann and Bob,\n\nthe end\ntheirs')
    expect(await asking.evaluate('body.value')).toBe('Dear Ann and Bob,\n\nthe end\nmine again')
    expect(await asking.evaluate('made.resolve("mine")')).toMatchObject({ state: 'saved' })
    expect((await composing.stored()).text).toBe('Dear Ann and Bob,\n\nthe end\nmine again')
    const conflicts = await client.GET('/accounts/{id}/drafts/{draft_id}/conflicts', {
      params: { path: { id: accountId, draft_id: draftId } },
    })
    expect(conflicts.data.items).toMatchObject([{ resolution: 'superseded' }])
  })

  test('offline the words are kept in the browser, and once it is online they are saved', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '60000' })
    await page.setOffline(true)
    await page.type('on the train')
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'offline' })
    await page.evaluate('untilKept("on the train")')
    await page.type(', still')
    await page.setOffline(false)
    await page.evaluate('until("saved")')
    expect(await composing.stored()).toMatchObject({ version: 3, text: 'Dear Ann,\n\nthe end\non the train, still' })
  })

  test('where the daemon does not answer, a draft is shown as this browser knows it, and what is typed is saved later', async () => {
    let isDown = false
    const composing = await compose({ passes: () => !isDown })
    await (await composing.open()).close()
    isDown = true
    const page = await composing.open({ interval: '1000' })
    expect(await page.evaluate('statuses.at(-1)')).toEqual({ state: 'offline', shadow: 'kept' })
    await page.type('written blind')
    await page.evaluate('untilKept("written blind")')
    isDown = false
    await page.evaluate('until("saved")')
    expect(await composing.stored()).toMatchObject({ version: 3, text: 'Dear Ann,\n\nthe end\nwritten blind' })
  })

  test('two tabs on one draft show the same, merge what is typed in both, and save no oftener than there is something', async () => {
    const composing = await compose()
    const [one, other] = [await composing.open({ interval: '60000' }), await composing.open({ interval: '60000' })]
    await one.type('from one')
    await one.evaluate('made.flush()')
    await other.evaluate('untilShown("Dear Ann,\\n\\nthe end\\nfrom one")')
    expect((await composing.stored()).version).toBe(3)
    // Both at once, at two places.
    await Promise.all([
      one.evaluate('body.focus(), body.setSelectionRange(0, 0)'),
      other.evaluate('body.focus(), body.setSelectionRange(body.value.length, body.value.length)'),
    ])
    await Promise.all([one.type('PS: '), other.type(', from the other')])
    await Promise.all([one.evaluate('made.flush()'), other.evaluate('made.flush()')])
    const text = 'PS: Dear Ann,\n\nthe end\nfrom one, from the other'
    expect(await composing.stored()).toMatchObject({ version: 5, text })
    await Promise.all([
      one.evaluate(`untilShown(${JSON.stringify(text)})`),
      other.evaluate(`untilShown(${JSON.stringify(text)})`),
    ])
  })

  test('what another device wrote meanwhile comes in below what is typed while the answer is on its way', async () => {
    const { promise: isUnderWay, resolve: underWay } = Promise.withResolvers<void>()
    const { promise: mayPass, resolve: letPass } = Promise.withResolvers<void>()
    let isHeld = false
    const composing = await compose({
      passes: async ({ method }) => {
        if (method !== 'POST' || !isHeld) return true
        underWay()
        await mayPass
        return true
      },
    })
    const { client, accountId, draftId } = composing
    const page = await composing.open({ interval: '60000' })
    await page.type('mine')
    await page.evaluate('untilKept("mine")')
    await client.PUT('/accounts/{id}/drafts/{draft_id}', {
      params: { path: { id: accountId, draft_id: draftId } },
      body: { text: 'Dear Ann and Bob,\n\nthe end\n', subject: 'Minutes of Monday' },
    })
    isHeld = true
    await page.evaluate('made.flush(), undefined')
    await isUnderWay
    await page.type(' and more')
    letPass()
    const text = 'Dear Ann and Bob,\n\nthe end\nmine and more'
    await page.evaluate(`untilShown(${JSON.stringify(text)})`)
    expect(await page.evaluate('subject.value')).toBe('Minutes of Monday')
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'saved' })
    expect(await composing.stored()).toMatchObject({ text, subject: 'Minutes of Monday' })
  })

  test('the words of a tab that lives are its own, and are offered to no other', async () => {
    // A tab that another one covers saves at once: here it cannot.
    let isDown = true
    const composing = await compose({ passes: ({ method }) => method !== 'POST' || !isDown })
    const one = await composing.open({ interval: '60000' })
    await one.type('not yours')
    await one.evaluate('untilKept("not yours")')
    const other = await composing.open()
    expect(await other.evaluate('[recoveries, body.value]')).toEqual([[], 'Dear Ann,\n\nthe end\n'])
    isDown = false
    await one.evaluate('made.flush()')
    await other.evaluate('untilShown("Dear Ann,\\n\\nthe end\\nnot yours")')
  })

  test('two tabs that write at the same place: the second is told, and neither text is lost', async () => {
    const composing = await compose()
    const [one, other] = [await composing.open({ interval: '60000' }), await composing.open({ interval: '60000' })]
    await Promise.all([one.type('this'), other.type('that')])
    expect(await one.evaluate('made.flush()')).toMatchObject({ state: 'saved' })
    expect(await other.evaluate('made.flush()')).toMatchObject({ state: 'conflict', conflict: { fields: ['body'] } })
    expect([await one.evaluate('body.value'), await other.evaluate('body.value')]).toEqual([
      'Dear Ann,\n\nthe end\nthis',
      'Dear Ann,\n\nthe end\nthat',
    ])
    // What the user made of the two.
    await other.evaluate('body.value = body.value.replace("that", "this and that")')
    expect(await other.evaluate('made.resolve("mine")')).toMatchObject({ state: 'saved' })
    expect((await composing.stored()).text).toBe('Dear Ann,\n\nthe end\nthis and that')
    await one.evaluate('untilShown("Dear Ann,\\n\\nthe end\\nthis and that")')
  })

  test('a page that is left sends its last words, also when the tab is closed', async () => {
    const { promise: isGone, resolve: gone } = Promise.withResolvers<void>()
    let isLeaving = false
    const composing = await compose({
      // A slow line: the request is there after the page is gone, or not at all.
      passes: async ({ method, socket }) => {
        if (method !== 'POST' || !isLeaving) return true
        await isGone
        return !socket.destroyed
      },
    })
    const page = await composing.open({ interval: '60000' })
    await page.type('last words')
    await page.goto('about:blank')
    await composing.untilStored(3)
    expect((await composing.stored()).text).toBe('Dear Ann,\n\nthe end\nlast words')
    await page.goto(composing.urlOf({ interval: '60000' }))
    await page.evaluate('saver.then(() => null)')
    expect(await page.evaluate('[recoveries, body.value]')).toEqual([[], 'Dear Ann,\n\nthe end\nlast words'])
    await page.type(', and more')
    await page.evaluate('untilKept("and more")')
    isLeaving = true
    await page.close()
    // By then a browser has called off all that ends with a page.
    await (await composing.profile.open('about:blank')).close()
    gone()
    await composing.untilStored(4)
    expect((await composing.stored()).text).toBe('Dear Ann,\n\nthe end\nlast words, and more')
  })

  test('last words that are too large to be sent from a page that goes are taken up by the next', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '60000' })
    const words = `${'word '.repeat(40_000)}last`
    await page.type(words)
    await page.evaluate('untilKept("last")')
    await page.goto('about:blank')
    const next = await composing.open()
    await next.evaluate('until("saved")')
    expect((await composing.stored()).text).toBe(`Dear Ann,\n\nthe end\n${words}`)
  })

  test('a tab that is hidden saves at once', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '60000' })
    await page.type('aside')
    await page.evaluate(
      'Object.defineProperty(document, "visibilityState", { value: "hidden" }), document.dispatchEvent(new Event("visibilitychange")), until("saved")',
    )
    expect((await composing.stored()).text).toBe('Dear Ann,\n\nthe end\naside')
  })

  test('a browser without room is told, and the words are saved all the same', async () => {
    const composing = await compose({ more: { '/empty': '<!doctype html>' } })
    const page = await composing.profile.open(new URL('/empty', composing.urlOf()).href)
    await page.setRoom(100_000)
    await page.goto(composing.urlOf({ interval: '60000' }))
    await page.evaluate('saver.then(() => null)')
    await page.type('x'.repeat(200_000))
    expect(await page.evaluate('made.flush()')).toEqual({ state: 'saved', shadow: 'full', version: 3 })
    expect((await composing.stored()).text).toHaveLength('Dear Ann,\n\nthe end\n'.length + 200_000)
  })

  test('a draft that is begun offline is made once, by the first save that gets through', async () => {
    let isDown = true
    const composing = await compose({ passes: () => !isDown })
    const { client, accountId } = composing
    const draftId = crypto.randomUUID()
    const page = await composing.open({ draftId, interval: '60000' })
    await page.type('Dear Bob,')
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'offline' })
    await page.crash()
    isDown = false
    const next = await composing.open({ draftId, choice: 'restore' })
    expect(await next.evaluate('[recoveries.length, recoveries[0].stored]')).toEqual([1, null])
    await next.evaluate('until("saved")')
    const { data } = await client.GET('/accounts/{id}/drafts', { params: { path: { id: accountId } } })
    expect(data.items.map(({ id, version }) => [id, version])).toContainEqual([draftId, 1])
    expect(data.items.filter(({ subject, id }) => subject === '' || id === draftId)).toHaveLength(1)
  })

  test('a page that is left while a save is under way sends what came after it, and has no conflict with itself', async () => {
    const { promise: isUnderWay, resolve: underWay } = Promise.withResolvers<void>()
    const { promise: mayPass, resolve: letPass } = Promise.withResolvers<void>()
    let saves = 0
    const composing = await compose({
      passes: async ({ method, url = '' }) => {
        if (method !== 'POST' || !url.includes('draft-manager')) return true
        saves += 1
        // The first says that a save begins, the second is it.
        if (saves === 2) underWay()
        if (saves === 2) await mayPass
        return true
      },
    })
    const page = await composing.open({ interval: '60000' })
    await page.type('first')
    await page.evaluate('made.flush(), undefined')
    await isUnderWay
    await page.type(' and second')
    await page.evaluate('untilKept("second")')
    await page.goto('about:blank')
    await composing.untilStored(3)
    letPass()
    expect((await composing.stored()).text).toBe('Dear Ann,\n\nthe end\nfirst and second')
    const next = await composing.open()
    expect(await next.evaluate('[recoveries, body.value]')).toEqual([[], 'Dear Ann,\n\nthe end\nfirst and second'])
  })

  test('a save whose answer is lost is no conflict with what is typed after it', async () => {
    // Chromium itself asks again where a connection that was in use before ends without a word: with the same id.
    let isLossy = false
    const composing = await compose({ loses: () => isLossy })
    const page = await composing.open({ interval: '60000' })
    isLossy = true
    await page.type('first')
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'offline' })
    isLossy = false
    expect((await composing.stored()).text).toBe('Dear Ann,\n\nthe end\nfirst')
    await page.type(' and second')
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'saved', version: 4 })
    expect((await composing.stored()).text).toBe('Dear Ann,\n\nthe end\nfirst and second')
  })

  test('a save whose answer is lost is found below what others wrote before it and after it', async () => {
    let isLossy = false
    const composing = await compose({ loses: ({ method }) => method === 'POST' && isLossy })
    const { client, accountId, draftId } = composing
    const elsewhere = async (text: string): Promise<void> => {
      const params = { path: { id: accountId, draft_id: draftId } }
      await client.PUT('/accounts/{id}/drafts/{draft_id}', { params, body: { text } })
    }
    const page = await composing.open({ interval: '60000' })
    await elsewhere('Dear Bob,\n\nthe end\n')
    isLossy = true
    for (const words of ['one', ' two', ' three']) {
      await page.type(words)
      expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'offline' })
    }
    await elsewhere((await composing.stored()).text.replace('Bob', 'Carl'))
    isLossy = false
    await page.type(' four')
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'saved' })
    expect((await composing.stored()).text).toBe('Dear Carl,\n\nthe end\none two three four')
    expect(await page.evaluate('body.value')).toBe('Dear Carl,\n\nthe end\none two three four')
  })

  test('words that were offered and are not wanted are not spoken of again, by this browser or by the daemon', async () => {
    const composing = await compose()
    const { engine, accountId, draftId } = composing
    const page = await composing.open({ interval: '60000', deviceId: 'desk' })
    await page.type('unwanted')
    await page.evaluate('untilKept("unwanted")')
    await page.crash()
    const asked = { action: 'recover', accountId, draftId, deviceId: 'another desk' } as const
    const reasons = async (): Promise<unknown> => (await engine.draftManager(asked)).output?.recovery?.recoveryReason
    expect(await reasons()).toBe('browser-crash')
    const next = await composing.open({ choice: 'discard', deviceId: 'desk' })
    expect(await next.evaluate('recoveries.length')).toBe(1)
    expect(await reasons()).toBe('manual-recovery')
    expect((await composing.stored()).version).toBe(2)
    const again = await composing.open({ choice: 'discard', deviceId: 'desk' })
    expect(await again.evaluate('recoveries.length')).toBe(0)
  })

  test('a draft whose words were all deleted is saved without them', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '60000' })
    await page.evaluate(`subject.value = '', body.value = '', document.dispatchEvent(new Event('input'))`)
    expect(await page.evaluate('made.flush()')).toMatchObject({ state: 'saved', version: 3 })
    expect(await composing.stored()).toMatchObject({ subject: '', text: '' })
  })

  test('what a store that was put back from a backup does not have any more is saved anew', async () => {
    const composing = await compose()
    const page = await composing.open({ interval: '60000' })
    await page.type('after the backup')
    await page.evaluate('untilKept("after the backup")')
    await page.crash()
    const next = await composing.open()
    await next.evaluate(`(async () => {
      const db = await new Promise((resolve) => { indexedDB.open('everdraft_email_default').onsuccess = ({ target }) => resolve(target.result) })
      const [row] = await shadow('draft_saves')
      const writing = db.transaction('draft_saves', 'readwrite')
      writing.objectStore('draft_saves').put({ ...row, base: { ...row.base, version: 99 } })
      await new Promise((resolve) => { writing.oncomplete = resolve })
    })()`)
    const restoring = await composing.open({ choice: 'restore' })
    await restoring.evaluate('until("saved")')
    expect(await composing.stored()).toMatchObject({ version: 3, text: 'Dear Ann,\n\nthe end\nafter the backup' })
  })

  test('the example of docs/browser.md runs as it stands', async () => {
    const text = await readFile(new URL('../../../docs/browser.md', import.meta.url), 'utf8')
    const code = stripTypeScriptTypes(/```ts\n([^]*?)```/.exec(text)?.[1] ?? '')
    const page = `<!doctype html><meta charset="utf-8"><input id="subject"><textarea id="body"></textarea><p id="state"></p>
      <button id="close"></button><script type="module">
      const { accountId, draftId } = Object.fromEntries(new URLSearchParams(location.search)), token = '${token}'
      ${code.replace("'@everdraft/client'", "'/src/index.ts'")}
      window.saving = saving</script>`
    const composing = await compose({ more: { '/example': page } })
    const opened = await composing.profile.open(composing.urlOf().replace('/?', '/example?'))
    await opened.evaluate(`(async () => {
      while (window.saving === undefined) await new Promise((resolve) => requestAnimationFrame(resolve))
      document.querySelector('#body').focus()
    })()`)
    await opened.type('by the book')
    await opened.evaluate('document.querySelector("#close").click()')
    await composing.untilStored(3)
    expect((await composing.stored()).text).toContain('by the book')
  })

  test('H15 a file that was attached offline is sent by the next page, once', async () => {
    let isDown = false
    let isLossy = false
    const loses = ({ url = '' }: IncomingMessage): boolean => isLossy && url.endsWith('/attachments')
    const composing = await compose({ passes: () => !isDown, loses })
    const page = await composing.open({ interval: '60000' })
    isDown = true
    await page.evaluate(
      `made.attach({ filename: 'notes.txt', content: new Blob(['by heart'], { type: 'text/plain' }) }).catch(() => {}), undefined`,
    )
    await page.evaluate('untilThereAre(1)')
    await page.crash()
    isDown = false
    isLossy = true
    const next = await composing.open()
    await composing.untilStored(3)
    isLossy = false
    await next.evaluate('untilThereAre(0)')
    const { attachments } = await composing.stored()
    expect(attachments).toMatchObject([{ filename: 'notes.txt', content_type: 'text/plain', size: 8 }])
    const where = { accountId: composing.accountId, draftId: composing.draftId }
    const { content } = await composing.client.download({ ...where, attachmentId: attachments[0]?.id ?? '' })
    expect(await new Response(content).text()).toBe('by heart')
    // What is typed meanwhile is no conflict with it.
    await next.type('and a file')
    expect(await next.evaluate('made.flush()')).toMatchObject({ state: 'saved' })
    expect(await composing.stored()).toMatchObject({ text: 'Dear Ann,\n\nthe end\nand a file', attachments })
  })

  test('what the daemon refuses is told, and the words stay in the browser', async () => {
    const composing = await compose()
    const { client, accountId, draftId } = composing
    const page = await composing.open({ interval: '60000' })
    await client.DELETE('/accounts/{id}/drafts/{draft_id}', { params: { path: { id: accountId, draft_id: draftId } } })
    await page.type('too late')
    expect(await page.evaluate('made.flush()')).toMatchObject({ code: 'DRAFT_MANAGER_ERROR' })
    expect(await page.evaluate('shadow("draft_saves")')).toMatchObject([
      { content: { body: 'Dear Ann,\n\nthe end\ntoo late' } },
    ])
  })
})
