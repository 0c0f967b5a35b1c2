import type { TenantId, UserId, Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, imapOfBen, type SuiteStorage } from '../harness.ts'

const ann = { tenantId: 'acme' as TenantId, userId: 'ann' as UserId }
const bob = { tenantId: 'acme' as TenantId, userId: 'bob' as UserId }

/** Whose things are, who may ask for them, and what was approved. */
export function exerciseOwners({ openFakeDevice }: SuiteStorage): void {
  describe('owners', () => {
    test('a token is found by what its bearer shows, until it ends or is revoked', async () => {
      await using device = await openFakeDevice()
      const { apiTokens } = device.engine
      const ofAnn = await apiTokens.create({ owner: ann, scopes: ['send', 'read', 'read'] })
      const ofBob = await apiTokens.create({ owner: bob, scopes: ['admin'], name: 'Bob' })
      expect(ofAnn.token.scopes).toEqual(['read', 'send'])
      expect((await apiTokens.authenticate(ofAnn.text))?.owner).toEqual(ann)
      expect(await apiTokens.authenticate(ofAnn.text.replace(/.$/, 'g'))).toBeNull()
      const [head, id] = ofAnn.text.split('_')
      expect(await apiTokens.authenticate(`${head}_${id}_${ofBob.text.split('_')[2]}`)).toBeNull()
      expect((await apiTokens.list({ owner: bob })).items.map(({ name }) => name)).toEqual(['Bob'])
      expect((await apiTokens.list()).total).toBe(2)
      await apiTokens.revoke(ofAnn.token.id)
      expect(await apiTokens.authenticate(ofAnn.text)).toBeNull()
      expect(await codeOf(apiTokens.revoke(ofAnn.token.id))).toBe('NOT_FOUND')
    })

    test('a draft without an account goes into one of its owner, whoever else has written to the recipients', async () => {
      await using device = await openFakeDevice()
      const { engine, account } = device
      await engine.drafts.create({ to: 'carl@example.com', text: 'one' })
      expect(await codeOf(engine.drafts.create({ owner: ann, to: 'carl@example.com' }))).toBe('NOT_FOUND')
      const own = await engine.accounts.add({ address: 'ann@example.com', imap: imapOfBen, owner: ann })
      await engine.accounts.add({ address: 'ann@example.net', imap: imapOfBen, owner: ann })
      const draft = await engine.drafts.create({ owner: ann, from: own.address, to: 'carl@example.com' })
      expect(draft.accountId).toBe(own.id)
      expect((await engine.drafts.create({ owner: ann, to: 'carl@example.com' })).accountId).toBe(own.id)
      expect((await engine.accounts.list({ owner: ann })).total).toBe(2)
      expect((await engine.accounts.list({ owner: bob })).total).toBe(0)
      expect((await engine.accounts.list({ owner: account.owner })).items.map(({ id }) => id)).toEqual([account.id])
    })

    test('an approval holds for one version, whose words housekeeping keeps', async () => {
      await using device = await openFakeDevice()
      const { engine } = device
      const { id } = await engine.drafts.create({ text: 'one', review: { required: true } })
      await engine.drafts.save(id, { text: 'two' })
      await engine.drafts.approve(id, 2 as Version, { by: ann.userId })
      expect(await codeOf(engine.drafts.approve(id, 1 as Version))).toBe('VERSION_MISMATCH')
      await engine.drafts.save(id, { text: 'three' })
      const { review } = await engine.drafts.save(id, { text: 'four' })
      expect(review).toMatchObject({ required: true, approval: { version: 2, by: 'ann' } })
      await device.time.advance(2 * 3_600_000)
      await engine.housekeep()
      const { before, after, fields } = await engine.drafts.changesSince(id, 2 as Version)
      expect([before.text, after.text, fields]).toEqual(['two', 'four', ['text']])
      expect(await codeOf(engine.drafts.changesSince(id, 3 as Version))).toBe('NOT_FOUND')
    })

    test('figures count what there is', async () => {
      await using device = await openFakeDevice()
      await device.engine.drafts.create({ text: 'one' })
      const figures = await device.engine.figures()
      expect(figures).toMatchObject({ accounts: 1, openSends: [], oldestUnsentAt: null })
      expect(figures.drafts).toEqual([{ status: 'draft', syncState: 'local-only', count: 1 }])
      expect(figures.tasks.map(({ kind }) => kind)).toContain('draft_upload')
    })
  })
}
