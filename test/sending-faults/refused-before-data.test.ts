import { describe, expect, test } from 'vitest'

import { incompressible } from '../live/harness.ts'
import { type FaultySender, openFaultySender } from './faulty-sender.ts'

/** The server offers this, and no more: when it is greeted, and after the login. */
function offers({ sink }: FaultySender, ...extensions: readonly string[]): void {
  const lines = ['localhost', 'AUTH PLAIN', ...extensions]
  const text = lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('')
  for (const nth of [1, 2]) sink.fail('EHLO', { kind: 'say', text }, nth)
}

describe('what a server cannot take is said before a byte of the mail goes, and the draft stays', () => {
  test('larger than its SIZE: with both sizes; smaller it goes', async () => {
    await using sender = await openFaultySender()
    const { device, sink } = sender
    offers(sender, 'SIZE 20000', '8BITMIME')
    const draft = await device.create({ text: 'with a file\n' })
    const { attachments } = await device.attach(draft.id, incompressible(30_000))
    const { id } = await device.engine.drafts.send(draft.id)
    const refused = await sender.rest(id)
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'TOO_LARGE' } })
    expect(refused.error?.message).toContain('20000')
    expect(await device.get(draft.id)).toMatchObject({ status: 'draft', attachments: [{ size: 30_000 }] })
    expect(sink.deliveries).toEqual([])
    await device.engine.drafts.detach(draft.id, attachments[0]!.id)
    const again = await device.engine.drafts.send(draft.id)
    expect(await sender.rest(again.id)).toMatchObject({ status: 'sent' })
    expect(sink.deliveries).toHaveLength(1)
  })

  test('an international address without SMTPUTF8: which one; without it the mail goes', async () => {
    await using sender = await openFaultySender()
    const { device, sink } = sender
    offers(sender, '8BITMIME')
    const draft = await device.create({ text: 'to many\n' })
    await device.engine.drafts.save(draft.id, { to: ['bob@example.com', 'jörg@example.com'] })
    const { id } = await device.engine.drafts.send(draft.id)
    const refused = await sender.rest(id)
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'UNSUPPORTED' } })
    expect(refused.error?.message).toMatch(/SMTPUTF8.*jörg@example\.com/)
    expect((await device.get(draft.id)).status).toBe('draft')
    expect(sink.deliveries).toEqual([])
    await device.engine.drafts.save(draft.id, { to: ['bob@example.com'] })
    const again = await device.engine.drafts.send(draft.id)
    expect(await sender.rest(again.id)).toMatchObject({ status: 'sent' })
  })
})
