import type { Browser, Page, Profile } from './chromium.ts'
import type { Draft } from '../src/index.ts'
import { token, type Running } from './harness.ts'
import { serveSite, type SiteOptions } from './site.ts'

/** A composer of two fields, as a page has one; what happens in it can be waited for. */
const composer = `<!doctype html><meta charset="utf-8">
<input id="subject"><textarea id="body"></textarea>
<script type="module">
  import { autoSave, createClient } from '/src/index.ts'
  const [subject, body] = ['subject', 'body'].map((id) => document.getElementById(id))
  const { choice = 'later', ...asked } = Object.fromEntries(new URLSearchParams(location.search))
  const numbers = Object.fromEntries(['interval', 'longestInterval'].filter((name) => name in asked).map((name) => [name, Number(asked[name])]))
  let rest = { bodyHtml: null, to: [], cc: [], bcc: [] }
  let heard = () => {}
  const editor = {
    read: () => ({ ...rest, subject: subject.value, body: body.value }),
    listen(changed) {
      document.addEventListener('input', changed)
      return () => document.removeEventListener('input', changed)
    },
    show: (content) => {
      ({ subject: subject.value, body: body.value, ...rest } = content)
      // As editors do that write in their own way.
      if (asked.trims) body.value = body.value.trimEnd()
    },
    offerRecovery: async (recovery) => { recoveries.push(recovery); return choice },
    report: (status) => { statuses.push(status); heard() },
  }
  window.recoveries = []
  window.statuses = []
  /** Resolves when the editor was told that, or was already. */
  window.until = async (state) => {
    while (statuses.at(-1)?.state !== state) await new Promise((resolve) => { heard = resolve })
    return statuses.at(-1)
  }
  window.shadow = async (store) => {
    const opening = indexedDB.open('everdraft_email_' + (asked.tenantId ?? 'default'))
    const db = await new Promise((resolve) => { opening.onsuccess = () => resolve(opening.result) })
    const reading = db.transaction(store).objectStore(store).getAll()
    const rows = await new Promise((resolve) => { reading.onsuccess = () => resolve(reading.result) })
    db.close()
    return rows
  }
  window.untilShown = async (text) => {
    while (body.value !== text) await new Promise((resolve) => requestAnimationFrame(resolve))
  }
  /** Resolves once these words are kept in the browser. */
  window.untilKept = async (text) => {
    while (!(await shadow('draft_saves')).some(({ content }) => content?.body.includes(text)));
  }
  /** Files that are kept in the browser. */
  window.untilThereAre = async (count) => {
    while ((await shadow('draft_attachments')).length !== count);
  }
  window.saver = autoSave(editor, { client: createClient({ url: location.origin + '/api', token: '${token}' }), ...asked, ...numbers })
  saver.then((made) => { window.made = made; body.focus(); body.setSelectionRange(body.value.length, body.value.length) }, (error) => { window.failed = error })
</script>`

export interface Composing extends Running {
  readonly draftId: string
  readonly profile: Profile
  /** A tab on the draft, once it is loaded. */
  open(options?: Readonly<Record<string, string>>): Promise<Page>
  urlOf(options?: Readonly<Record<string, string>>): string
  /** Resolves once the daemon has this version. */
  untilStored(version: number): Promise<void>
  /** What the daemon says. */
  stored(): Promise<Draft>
}

/** A draft on the daemon, and a browser profile of its own. */
export async function startComposing(
  { browser, running }: { readonly browser: Browser; readonly running: Running },
  { more, ...options }: Omit<SiteOptions, 'pages'> & { readonly more?: SiteOptions['pages'] } = {},
): Promise<Composing> {
  const { client, accountId, engine } = running
  const draftId = await running.addDraft('Minutes')
  const path = { id: accountId, draft_id: draftId }
  await client.PUT('/accounts/{id}/drafts/{draft_id}', { params: { path }, body: { text: 'Dear Ann,\n\nthe end\n' } })
  const site = await serveSite(running, { ...options, pages: { '/': composer, ...more } })
  const profile = await browser.newProfile()
  const urlOf = (asked: Readonly<Record<string, string>> = {}): string =>
    `${site}/?${String(new URLSearchParams({ accountId, draftId, ...asked }))}`
  const stored: Composing['stored'] = async () =>
    (await client.GET('/accounts/{id}/drafts/{draft_id}', { params: { path } })).data
  return {
    ...running,
    draftId,
    profile,
    urlOf,
    async open(asked) {
      const page = await profile.open(urlOf(asked))
      await page.evaluate('saver.then(() => null)')
      return page
    },
    async untilStored(version) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const off = engine.subscribe({}, (event) => {
        if (event.type === 'draft-saved' && event.draftId === draftId && event.version >= version) resolve()
      })
      if ((await stored()).version < version) await promise
      off()
    },
    stored,
  }
}
