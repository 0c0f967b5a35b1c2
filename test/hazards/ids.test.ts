import type { AccountId, AttachmentId, ConflictId, TaskId, TemplateId, Umid } from '@everdraft/core'
import { createMailServer } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { openDevice, settle } from '../live/harness.ts'

async function startServer(name: string) {
  const server = createMailServer({ users: [{ name, password: 'secret' }], proposeUidValidity: () => 7 })
  await server.listen()
  return server
}

/** Two accounts on two servers whose folders give out the same names. */
async function openTwins() {
  const servers = { ann: await startServer('ann'), work: await startServer('work') }
  const device = await openDevice({
    host: '127.0.0.1',
    imapPort: servers.ann.imapPort,
    supports: { catenate: true, uidplus: true, sent: 'Sent' },
    user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
  })
  const { imapPort: port } = servers.work
  const work = await device.engine.accounts.add({
    address: 'ann@work.example',
    imap: { host: '127.0.0.1', port, security: 'none', user: 'work', password: 'secret' },
  })
  return {
    device,
    work,
    syncWork: () => device.engine.sync(work.id, { waitMs: 30_000 }),
    texts: (user: 'ann' | 'work') =>
      servers[user].mailbox(user, 'Drafts').map(({ bytes }) => new TextDecoder().decode(bytes)),
    async [Symbol.asyncDispose]() {
      await device[Symbol.asyncDispose]()
      await servers.ann.close()
      await servers.work.close()
    },
  }
}

describe('H09 ids that are the same elsewhere', () => {
  test('copies with the same folder, UIDVALIDITY and UID in two accounts stay apart through edit and discard', async () => {
    await using twins = await openTwins()
    const { device, work } = twins
    const { engine } = device
    const mine = await device.create({ text: 'mine\n' })
    const theirs = await engine.drafts.create({ accountId: work.id, text: 'at work\n' })
    await settle(device)
    await twins.syncWork()
    const nameOf = async (id: Umid) => {
      const { folder, uid, uidValidity } = (await engine.drafts.get(id)).sync
      return { folder, uid, uidValidity }
    }
    expect(await nameOf(mine.id)).toEqual(await nameOf(theirs.id))
    await engine.drafts.discard(mine.id)
    await settle(device)
    expect(twins.texts('ann')).toEqual([])
    expect(twins.texts('work').map((text) => text.includes('at work'))).toEqual([true])
    await engine.drafts.save(theirs.id, { text: 'edited at work\n' })
    await twins.syncWork()
    await settle(device)
    expect(twins.texts('work').map((text) => text.includes('edited at work'))).toEqual([true])
    expect(await engine.drafts.get(theirs.id)).toMatchObject({ status: 'draft', sync: { state: 'synchronized' } })
    expect((await engine.drafts.get(mine.id)).status).toBe('discarded')
  })

  test('an id of one kind, or of another draft or account, is nobody in the place of another', async () => {
    await using twins = await openTwins()
    const { device, work } = twins
    const { engine, account } = device
    const mine = await device.create()
    const theirs = await engine.drafts.create({ accountId: work.id, text: 'at work\n' })
    // Also as the client's own id for an attachment: the same in two drafts, and the id of a draft.
    for (const id of [mine.id as string, theirs.id, account.id] as AttachmentId[]) {
      for (const draft of [mine, theirs]) {
        await engine.drafts.attach(draft.id, {
          id,
          filename: `${draft.id}.txt`,
          content: new TextEncoder().encode(draft.id),
        })
      }
    }
    for (const draft of [mine, theirs]) {
      const { attachments } = await engine.drafts.get(draft.id)
      expect(attachments.map(({ filename }) => filename)).toEqual(Array(3).fill(`${draft.id}.txt`))
    }
    await engine.drafts.detach(mine.id, theirs.id as string as AttachmentId)
    expect((await engine.drafts.get(theirs.id)).attachments).toHaveLength(3)
    const [task] = (await engine.tasks.list(work.id)).items
    const template = await engine.templates.add(work.id, { name: 'at work' })
    const nobody = { code: 'NOT_FOUND' }
    const drafts = { ...engine.drafts }
    const asked: readonly Promise<unknown>[] = [
      drafts.get(account.id as string as Umid),
      drafts.get(template.id as string as Umid),
      drafts.save(task!.id as string as Umid, { text: 'x' }),
      drafts.discard(work.id as string as Umid),
      drafts.detach(mine.id, task!.id as string as AttachmentId),
      drafts.resolve(mine.id, theirs.id as string as ConflictId, 'local-wins'),
      drafts.create({ accountId: mine.id as string as AccountId }),
      drafts.create({ accountId: account.id, templateId: template.id }),
      drafts.reply(theirs.id as string as AccountId, { messageId: '<x@example.org>', mode: 'reply' }),
      engine.tasks.get(account.id, task!.id),
      engine.tasks.retry(work.id, theirs.id as string as TaskId),
      engine.templates.get(account.id, template.id),
      engine.templates.get(work.id, theirs.id as string as TemplateId),
      engine.accounts.get(mine.id as string as AccountId),
    ]
    for (const one of await Promise.allSettled(asked)) expect(one).toMatchObject({ status: 'rejected', reason: nobody })
    expect((await engine.drafts.list()).items.map(({ status }) => status)).toEqual(['draft', 'draft'])
  })
})
