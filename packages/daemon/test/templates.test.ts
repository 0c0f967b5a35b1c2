import { expect, test } from 'vitest'

import { start } from './harness.ts'

const unknown = '00000000-0000-7000-8000-000000000001'

test('a template is added, listed by name, shown and removed', async () => {
  const { call, addAccount } = await start()
  const { id } = await addAccount()
  const path = `/accounts/${id}/templates`
  const weekly = await call('POST', path, {
    json: { name: 'Weekly', to: 'Team <team@example.org>', subject: 'Week', text: 'Done:', tags: ['report'] },
  })
  expect(weekly).toMatchObject({
    status: 201,
    body: {
      account_id: id,
      name: 'Weekly',
      to: [{ address: 'team@example.org', name: 'Team' }],
      subject: 'Week',
      text: 'Done:',
      html: null,
      tags: ['report'],
    },
  })
  expect(weekly.headers.get('location')).toBe(`${path}/${weekly.body.id}`)
  await call('POST', path, { json: { name: 'Absence', html: '<p>Away</p>' } })
  const { body } = await call('GET', path)
  expect(body).toMatchObject({ total: 2, items: [{ name: 'Absence' }, { name: 'Weekly' }] })
  expect((await call('GET', `${path}?limit=1&offset=1`)).body.items).toEqual([weekly.body])
  expect((await call('GET', `${path}/${weekly.body.id}`)).body).toEqual(weekly.body)
  expect((await call('DELETE', `${path}/${weekly.body.id}`)).status).toBe(204)
  for (const method of ['GET', 'DELETE']) {
    expect(await call(method, `${path}/${weekly.body.id}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  }
})

test('a draft begins with the template, and the fields given win', async () => {
  const { call, addAccount } = await start()
  const { id, address } = await addAccount()
  const { body: template } = await call('POST', `/accounts/${id}/templates`, {
    json: { name: 'T', to: 'team@example.org', subject: 'Week', text: 'Done:' },
  })
  for (const path of [`/accounts/${id}/drafts`, '/drafts']) {
    const answer = await call('POST', path, { json: { from: address, template_id: template.id, subject: 'Week 7' } })
    expect(answer).toMatchObject({
      status: 201,
      body: { subject: 'Week 7', text: 'Done:', to: [{ address: 'team@example.org' }] },
    })
  }
})

test('what is no template of this account makes no draft', async () => {
  const { call, addAccount } = await start()
  const ann = await addAccount()
  const bob = await addAccount({ address: 'bob@example.org' })
  const { body: hers } = await call('POST', `/accounts/${ann.id}/templates`, { json: { name: 'hers' } })
  for (const templateId of [hers.id, unknown]) {
    expect(await call('POST', `/accounts/${bob.id}/drafts`, { json: { template_id: templateId } })).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    })
    expect((await call('DELETE', `/accounts/${bob.id}/templates/${templateId}`)).status).toBe(404)
  }
  expect((await call('GET', `/accounts/${bob.id}/drafts`)).body.total).toBe(0)
  expect((await call('GET', `/accounts/${ann.id}/templates`)).body.total).toBe(1)
})

test('a template without a name, with an unknown field or a broken header field is refused by its path', async () => {
  const { call, addAccount } = await start()
  const { id } = await addAccount()
  for (const [json, path] of [
    [{ subject: 'x' }, 'name'],
    [{ name: ' ' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'a', subject: 'b\r\nBcc: eve@example.org' }, 'subject'],
    [{ name: 'a', attachments: [] }, 'attachments'],
  ] as const) {
    expect(await call('POST', `/accounts/${id}/templates`, { json })).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_ERROR', errors: [{ path }] },
    })
  }
  expect((await call('POST', `/accounts/${unknown}/templates`, { json: { name: 'a' } })).status).toBe(403)
})
