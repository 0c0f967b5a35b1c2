import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'

import { describe, expect, onTestFinished, test } from 'vitest'

import { isPublicAddress } from '../src/public-address.ts'
import { start } from './harness.ts'
import { hook, receive } from './webhook-receiver.ts'

describe('where deliveries never go', () => {
  test('addresses within this machine and the networks around it', () => {
    for (const address of [
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '100.100.100.200',
      '168.63.129.16',
      '192.0.2.1',
      '198.51.100.7',
      '203.0.113.9',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::1',
      '3fff::1',
      'localhost',
      '',
    ]) {
      expect(isPublicAddress(address), address).toBe(false)
    }
    for (const address of ['8.8.8.8', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00::1']) {
      expect(isPublicAddress(address), address).toBe(true)
    }
  })

  test('by whatever name or number: not one connection is made', async () => {
    const answers: Record<string, readonly string[]> = {
      'private.example.com': ['127.0.0.1'],
      // One good address does not make up for a bad one.
      'mixed.example.com': ['8.8.8.8', '127.0.0.1'],
      'metadata.example.com': ['169.254.169.254'],
      'six.example.com': ['::1'],
    }
    const asked: string[] = []
    const running = await start({
      webhooks: {
        resolve: async (host) => {
          asked.push(host)
          return (answers[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        },
      },
    })
    let connections = 0
    const server = createTcpServer((socket) => {
      connections += 1
      socket.destroy()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const hosts = ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0', '169.254.169.254']
    for (const host of [...hosts, ...Object.keys(answers)]) {
      const made = await running.call('POST', '/webhooks', { json: { url: `https://${host}:${port}/` } })
      const { body } = await running.call('POST', `/webhooks/${made.body.id}/test`)
      expect(body, host).toMatchObject({ status: null, error: 'FORBIDDEN_ADDRESS' })
    }
    expect(connections).toBe(0)
    // Once for each: what was checked is what would be connected to.
    expect(asked).toEqual(Object.keys(answers))
  })

  test('unless it is allowed; then to the addresses that were looked up', async () => {
    const running = await start({ webhooks: { resolve: async () => [{ address: '127.0.0.1', family: 4 }] } })
    const receiver = await receive()
    const { id } = await hook(running, `http://hooks.example.com:${receiver.port}/`)
    expect((await running.call('POST', `/webhooks/${id}/test`)).body).toMatchObject({ status: 204, error: null })
    expect(receiver.delivered[0]?.headers.host).toBe(`hooks.example.com:${receiver.port}`)
  })

  test('where a redirect leads', async () => {
    const running = await start()
    const inside = await receive()
    const outside = await receive(() => ({ status: 307, headers: { location: inside.url } }))
    const { id } = await hook(running, outside.url)
    expect((await running.call('POST', `/webhooks/${id}/test`)).body).toMatchObject({ status: 307, error: 'REDIRECT' })
    expect(inside.delivered).toEqual([])
  })

  test('to anything within for another tenant than that of the daemon', async () => {
    const running = await start()
    const { body } = await running.call('POST', '/tokens', {
      json: { tenant_id: 'acme', user_id: 'ann', scopes: ['admin'] },
    })
    const json = { url: 'https://hooks.example.com/', allow_private: true }
    expect(await running.call('POST', '/webhooks', { token: body.token, json })).toMatchObject({
      status: 403,
      body: { code: 'UNAUTHORIZED', errors: [{ path: 'allow_private' }] },
    })
  })

  test('what is wrong is named', async () => {
    const { call } = await start()
    for (const [json, path] of [
      [{}, 'url'],
      [{ url: 'hooks.example.com' }, 'url'],
      [{ url: 'http://hooks.example.com/' }, 'url'],
      [{ url: 'ftp://hooks.example.com/', allow_private: true }, 'url'],
      [{ url: 'https://ann:secret@hooks.example.com/' }, 'url'],
      [{ url: `https://hooks.example.com/${'a'.repeat(2000)}` }, 'url'],
      [{ url: 'https://hooks.example.com/', events: [] }, 'events'],
      [{ url: 'https://hooks.example.com/', events: ['draft-lost'] }, 'events[0]'],
      [{ url: 'https://hooks.example.com/', secret: 'mine' }, 'secret'],
    ] as const) {
      const answer = await call('POST', '/webhooks', { json })
      expect(answer, JSON.stringify(json)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR', errors: [{ path }] },
      })
    }
  })
})
