import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { request } from 'node:http'

import { expect, test } from 'vitest'

import { start, token, type Running } from './harness.ts'

async function withDraft(): Promise<Running & { path: string; attachments: string }> {
  const running = await start()
  const { id } = await running.addAccount()
  const draft = await running.addDraft(id, { subject: 'with a file' })
  const path = `/accounts/${id}/drafts/${draft.id}`
  return { ...running, path, attachments: `${path}/attachments` }
}

const named = (name: string): Record<string, string> => ({ 'content-disposition': `attachment; filename="${name}"` })

test('a file streamed in comes back to the octet, with name, type and SHA-256', async () => {
  const { call, path, attachments } = await withDraft()
  const file = randomBytes(3_000_001)
  const made = await call('POST', attachments, {
    body: new Blob([file]).stream(),
    headers: { 'content-type': 'Application/PDF; x=y', ...named('a.pdf') },
  })
  const sha256 = createHash('sha256').update(file).digest('hex')
  expect(made).toMatchObject({
    status: 201,
    body: { filename: 'a.pdf', content_type: 'application/pdf', size: file.length, sha256, disposition: 'attachment' },
  })
  expect(made.headers.get('etag')).toBe('"2"')
  const location = `${attachments}/${made.body.id}`
  expect(made.headers.get('location')).toBe(location)
  const read = await call('GET', location)
  expect(Buffer.compare(read.bytes, file)).toBe(0)
  expect(read.headers.get('content-type')).toBe('application/pdf')
  expect(read.headers.get('content-disposition')).toBe(`attachment; filename="a.pdf"; filename*=UTF-8''a.pdf`)
  expect((await call('GET', path)).body).toMatchObject({ version: 2, attachments: [made.body] })
  expect((await call('GET', attachments)).body).toEqual({ items: [made.body], total: 1, limit: 50, offset: 0 })
})

test('a file name may be quoted, extended or raw UTF-8, and loses its folders', async () => {
  const { call, attachments } = await withDraft()
  for (const [disposition, filename] of [
    [`attachment; filename="x.txt"; filename*=UTF-8''%e2%82%ac%20rates.txt`, '€ rates.txt'],
    [`attachment; filename*=iso-8859-1'en'%A3.txt`, '£.txt'],
    [`attachment; filename="say \\"hi\\"; now.txt"`, 'say "hi"; now.txt'],
    ['attachment; filename=plain.txt', 'plain.txt'],
    [Buffer.from('attachment; filename="grün.txt"').toString('latin1'), 'grün.txt'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\fake\\\\x.doc"', 'x.doc'],
  ]) {
    const answer = await call('POST', attachments, {
      body: 'x',
      headers: { 'content-disposition': disposition as string },
    })
    expect(answer).toMatchObject({ status: 201, body: { filename } })
  }
})

test('without a usable file name it is a validation error that names Content-Disposition', async () => {
  const { call, path, attachments } = await withDraft()
  for (const headers of [
    {},
    { 'content-disposition': 'attachment' },
    { 'content-disposition': 'attachment; filename=""' },
    { 'content-disposition': 'attachment; filename="unclosed' },
    { 'content-disposition': `attachment; filename*=UTF-8''a%0d%0ab` },
  ]) {
    const answer = await call('POST', attachments, { body: 'x', headers: { ...headers } })
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_ERROR', errors: [{ path: 'content-disposition' }] },
    })
  }
  expect((await call('GET', path)).body.version).toBe(1)
})

test('H15 attaching again under the same Idempotency-Key changes nothing', async () => {
  const { call, path, attachments } = await withDraft()
  const id = randomUUID()
  const headers = { ...named('a.txt'), 'idempotency-key': id }
  const first = await call('POST', attachments, { body: 'content', headers })
  const again = await call('POST', attachments, { body: 'content', headers })
  expect(first).toMatchObject({ status: 201, body: { id } })
  expect(again.body).toEqual(first.body)
  expect((await call('GET', path)).body).toMatchObject({ version: 2, attachments: [first.body] })
  const malformed = await call('POST', attachments, {
    body: 'x',
    headers: { ...headers, 'idempotency-key': 'no uuid' },
  })
  expect(malformed).toMatchObject({ status: 400, body: { errors: [{ path: 'idempotency-key' }] } })
})

test('Range gives the part asked for, and 416 what is beyond the end', async () => {
  const { call, attachments } = await withDraft()
  const { body } = await call('POST', attachments, { body: '0123456789', headers: named('digits.txt') })
  const location = `${attachments}/${body.id}`
  for (const [range, text, contentRange] of [
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=0-0', '0', 'bytes 0-0/10'],
  ] as const) {
    const answer = await call('GET', location, { headers: { range } })
    expect(answer.status).toBe(206)
    expect(new TextDecoder().decode(answer.bytes)).toBe(text)
    expect(answer.headers.get('content-range')).toBe(contentRange)
    expect(answer.headers.get('content-length')).toBe(String(text.length))
  }
  for (const range of ['bytes=10-', 'bytes=-0']) {
    const answer = await call('GET', location, { headers: { range } })
    expect(answer).toMatchObject({ status: 416, body: { code: 'RANGE_NOT_SATISFIABLE' } })
    expect(answer.headers.get('content-range')).toBe('bytes */10')
  }
  for (const headers of [
    { range: 'bytes=4-2' },
    { range: 'lines=1-2' },
    { range: 'bytes=0-1', 'if-range': '"other"' },
  ]) {
    const answer = await call('GET', location, { headers: { ...headers } })
    expect([answer.status, answer.bytes.length]).toEqual([200, 10])
  }
})

test('an empty file can be attached and read', async () => {
  const { call, attachments } = await withDraft()
  const { status, body } = await call('POST', attachments, { headers: named('empty') })
  expect([status, body.size]).toEqual([201, 0])
  expect(await call('GET', `${attachments}/${body.id}`)).toMatchObject({ status: 200, bytes: new Uint8Array() })
})

test('an upload that is cut in the middle leaves the draft as it was', async () => {
  const { url, call, path, attachments } = await withDraft()
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  const upload = request(`${url}${attachments}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-length': '1000000', ...named('cut.bin') },
  })
  upload.once('error', () => resolve())
  upload.write(randomBytes(200_000), () => upload.destroy())
  await ended
  const { body } = await call('GET', path)
  expect(body).toMatchObject({ version: 1, attachments: [] })
})

test('DELETE takes a file off; an attachment that is not there is 404', async () => {
  const { call, path, attachments } = await withDraft()
  const { body } = await call('POST', attachments, { body: 'x', headers: named('a.txt') })
  const location = `${attachments}/${body.id}`
  expect((await call('DELETE', location, { headers: { 'if-match': '"1"' } })).status).toBe(412)
  const taken = await call('DELETE', location)
  expect(taken.status).toBe(204)
  expect(taken.headers.get('etag')).toBe('"3"')
  expect((await call('GET', path)).body.attachments).toEqual([])
  for (const method of ['GET', 'DELETE']) {
    expect(await call(method, location)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  }
})
