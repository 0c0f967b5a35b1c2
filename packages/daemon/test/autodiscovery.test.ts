import { autodiscovery, type AutodiscoveryOptions } from '@everdraft/mail'
import { describe, expect, test } from 'vitest'

import { type Answer, type Running, start } from './harness.ts'

type Srv = Awaited<ReturnType<NonNullable<AutodiscoveryOptions['resolveSrv']>>>[number]

/** What a domain has published: no test asks the network. */
interface World {
  readonly srv?: Readonly<Record<string, readonly Srv[]>>
  readonly pages?: Readonly<Record<string, string | (() => Response)>>
}

interface Discovering extends Running {
  /** In order. */
  readonly asked: readonly string[]
  readonly discover: (address: string) => Promise<Answer>
}

async function startIn({ srv = {}, pages = {} }: World): Promise<Discovering> {
  const asked: string[] = []
  const running = await start({
    autodiscovery: autodiscovery({
      resolveSrv: async (name) => {
        asked.push(name)
        return srv[name] ?? []
      },
      fetch: async (url, init) => {
        asked.push(url)
        expect(init).toMatchObject({ redirect: 'error', credentials: 'omit' })
        const page = pages[url]
        if (page === undefined) return new Response('none', { status: 404 })
        return typeof page === 'string' ? new Response(page) : page()
      },
    }),
  })
  return {
    ...running,
    asked,
    discover: (address) => running.call('POST', '/accounts/discover', { json: { address } }),
  }
}

const srv = (target: string, port: number, priority = 0, weight = 1): Srv => ({ priority, weight, port, target })

const autoconfigUrl = 'https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=ann%40example.org'
const wellKnownUrl = 'https://example.org/.well-known/autoconfig/mail/config-v1.1.xml'

interface Described {
  readonly host?: string
  readonly port?: string
  readonly socket?: string
  readonly user?: string
  readonly auth?: readonly string[]
}

function serverXml(element: string, type: string, described: Described): string {
  const { host = 'mail.example.org', port = '993', socket = 'SSL', user = '%EMAILADDRESS%' } = described
  const auth = (described.auth ?? ['password-cleartext']).map((one) => `<authentication>${one}</authentication>`)
  return `<${element} type="${type}"><hostname>${host}</hostname><port>${port}</port><socketType>${socket}</socketType>
    <username>${user}</username>${auth.join('')}</${element}>`
}

const incoming = (described: Described = {}): string => serverXml('incomingServer', 'imap', described)
const outgoing = (described: Described = {}): string =>
  serverXml('outgoingServer', 'smtp', { port: '465', ...described })

function configXml(...servers: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- settings -->
<clientConfig version="1.1"><emailProvider id="example.org"><domain>example.org</domain>
${servers.join('\n')}
</emailProvider></clientConfig>`
}

function endless(): Response {
  return new Response(
    new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16_384).fill(0x20)) }),
  )
}

describe('SRV records', () => {
  test('are asked first, those with TLS from the first byte win, and nobody else is asked', async () => {
    const { discover, asked } = await startIn({
      srv: {
        '_imaps._tcp.example.org': [
          srv('Old.Example.org.', 9930, 20),
          srv('small.example.org', 9931, 10, 1),
          srv('big.example.org', 993, 10, 9),
        ],
        '_imap._tcp.example.org': [srv('plain.example.org', 143)],
        '_submission._tcp.example.org': [srv('send.example.org', 587)],
      },
    })
    expect(await discover('Ann@Example.org')).toMatchObject({
      status: 200,
      body: {
        imap: {
          host: 'big.example.org',
          port: 993,
          security: 'tls',
          user: 'Ann@Example.org',
          logins: ['password'],
          source: 'srv',
          to_confirm: false,
        },
        smtp: { host: 'send.example.org', port: 587, security: 'starttls', source: 'srv' },
      },
    })
    expect(asked.toSorted()).toEqual([
      '_imap._tcp.example.org',
      '_imaps._tcp.example.org',
      '_submission._tcp.example.org',
      '_submissions._tcp.example.org',
    ])
  })

  test('that name a host of another domain are for a person to confirm', async () => {
    const { discover } = await startIn({
      srv: {
        '_imaps._tcp.example.org': [srv('imap.example.net', 993)],
        '_submissions._tcp.example.org': [srv('notexample.org', 465)],
      },
    })
    const { body } = await discover('ann@example.org')
    expect(body.imap).toMatchObject({ host: 'imap.example.net', to_confirm: true })
    expect(body.smtp).toMatchObject({ host: 'notexample.org', to_confirm: true })
  })

  test('are no servers where the target is none: no dot, an address, a name that is no name of a host, a port of 0', async () => {
    for (const target of ['.', '', '127.0.0.1', '[::1]', 'localhost', 'a b.example.org', 'x/y.example.org', '-.org']) {
      const { discover } = await startIn({ srv: { '_imaps._tcp.example.org': [srv(target, 993)] } })
      expect((await discover('ann@example.org')).body, target).toEqual({ imap: null, smtp: null })
    }
    const { discover } = await startIn({ srv: { '_imaps._tcp.example.org': [srv('mail.example.org', 0)] } })
    expect((await discover('ann@example.org')).body.imap).toBeNull()
  })
})

describe('published settings', () => {
  test('at autoconfig. give what DNS does not say, each server from the first who names it', async () => {
    const { discover, asked } = await startIn({
      srv: { '_submissions._tcp.example.org': [srv('send.example.org', 465)] },
      pages: {
        [autoconfigUrl]: configXml(
          incoming({ host: 'imap.%EMAILDOMAIN%', user: '%EMAILLOCALPART%', auth: ['OAuth2', 'password-cleartext'] }),
          outgoing({ host: 'other.example.org' }),
        ),
        [wellKnownUrl]: configXml(incoming({ host: 'last.example.org' })),
      },
    })
    expect((await discover('ann@example.org')).body).toMatchObject({
      imap: {
        host: 'imap.example.org',
        port: 993,
        security: 'tls',
        user: 'ann',
        logins: ['oauth2', 'password'],
        source: 'autoconfig',
        to_confirm: false,
      },
      smtp: { host: 'send.example.org', source: 'srv' },
    })
    expect(asked).not.toContain(wellKnownUrl)
  })

  test('at .well-known come last; over https the domain may name any host', async () => {
    const { discover, asked } = await startIn({
      pages: { [wellKnownUrl]: configXml(incoming({ host: 'imap.example.net' }), outgoing({ socket: 'STARTTLS' })) },
    })
    expect((await discover('ann@example.org')).body).toMatchObject({
      imap: { host: 'imap.example.net', source: 'well-known', to_confirm: false },
      smtp: { security: 'starttls', source: 'well-known' },
    })
    expect(asked.slice(-2)).toEqual([autoconfigUrl, wellKnownUrl])
    for (const url of asked.filter((one) => one.includes('/'))) expect(url).toMatch(/^https:/)
  })

  test('without TLS, for POP, or with a login that we do not have are passed over', async () => {
    const unusable = [
      serverXml('incomingServer', 'pop3', {}),
      incoming({ socket: 'plain' }),
      incoming({ socket: 'constructor' }),
      incoming({ auth: ['GSSAPI'] }),
      incoming({ auth: ['constructor'] }),
      incoming({ port: '70000' }),
      incoming({ port: '9e2' }),
      incoming({ host: '10.0.0.1' }),
      incoming({ host: 'mail.example.org/x' }),
      incoming({ user: 'a&#10;b' }),
    ]
    const { discover } = await startIn({
      pages: { [autoconfigUrl]: configXml(...unusable, incoming({ host: 'good.example.org', auth: [] })) },
    })
    expect((await discover('ann@example.org')).body.imap).toMatchObject({
      host: 'good.example.org',
      logins: ['password'],
    })
    const none = await startIn({ pages: { [autoconfigUrl]: configXml(...unusable) } })
    expect((await none.discover('ann@example.org')).body).toEqual({ imap: null, smtp: null })
  })

  test('that are hostile say nothing, and end soon', async () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE clientConfig [<!ENTITY a "mail.example.org"><!ENTITY b "&a;&a;">]>`
    const external = `<!DOCTYPE clientConfig [<!ENTITY x SYSTEM "file:///etc/passwd">]>`
    const good = configXml(incoming())
    for (const [what, page] of [
      ['an entity', bomb + configXml(incoming({ host: '&a;' })).replace(/<\?.*\?>/, '')],
      ['a file', external + configXml(incoming({ user: '&x;' })).replace(/<\?.*\?>/, '')],
      ['a document type alone', `<!DOCTYPE clientConfig>${good.replace(/<\?.*\?>/, '')}`],
      ['an unknown entity', configXml(incoming({ host: 'mail.example.org&nbsp;' }))],
      ['a broken file', good.replace('</emailProvider>', '')],
      ['nested without end', good.replace('<domain>', '<a>'.repeat(5_000)).replace('</domain>', '</a>'.repeat(5_000))],
      ['another root', good.replaceAll('clientConfig', 'html')],
      ['HTML', '<!doctype html><title>Not here</title>'],
      ['nothing', ''],
      ['too long', `${good}${' '.repeat(65_536)}`],
      ['an endless body', endless],
      ['octets that are no UTF-8', () => new Response(new Uint8Array([...new TextEncoder().encode(good), 0xff]))],
      ['a failure', () => Response.error()],
      [
        'nobody',
        () => {
          throw new TypeError('fetch failed')
        },
      ],
    ] as const) {
      const { discover } = await startIn({ pages: { [autoconfigUrl]: page } })
      expect(await discover('ann@example.org'), what).toMatchObject({ status: 200, body: { imap: null, smtp: null } })
    }
    const { discover } = await startIn({ pages: { [autoconfigUrl]: good } })
    expect((await discover('ann@example.org')).body.imap).not.toBeNull()
  })
})

describe('the address', () => {
  test('of an internationalised domain is asked for by its ASCII form', async () => {
    const { discover, asked } = await startIn({
      srv: { '_imaps._tcp.xn--bcher-kva.example': [srv('mail.xn--bcher-kva.example', 993)] },
    })
    expect((await discover('ann@bücher.example')).body.imap).toMatchObject({
      host: 'mail.xn--bcher-kva.example',
      to_confirm: false,
    })
    expect(asked).toContain(
      'https://autoconfig.xn--bcher-kva.example/mail/config-v1.1.xml?emailaddress=ann%40b%C3%BCcher.example',
    )
  })

  test('that can have no servers asks nobody', async () => {
    const { discover, asked, call } = await startIn({})
    for (const address of [
      '',
      'ann',
      'ann@',
      '@example.org',
      'ann@localhost',
      'ann@127.0.0.1',
      'ann@[127.0.0.1]',
      'ann@2130706433',
      'ann@example.org:8080',
      'ann@example.org/x?',
      'ann@example..org',
      'ann\r\n@example.org',
      'ann@exa mple.org',
      `ann@${'a'.repeat(64)}.org`,
    ]) {
      expect(await discover(address), address).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR', errors: [{ path: 'address' }] },
      })
    }
    expect((await call('POST', '/accounts/discover', { json: {} })).status).toBe(400)
    expect(asked).toEqual([])
  })

  test('is looked for by whoever may add accounts, and nothing is stored', async () => {
    const { call, discover } = await startIn({ srv: { '_imaps._tcp.example.org': [srv('mail.example.org', 993)] } })
    const { body } = await call('POST', '/tokens', { json: { scopes: ['read'] } })
    const json = { address: 'ann@example.org' }
    expect((await call('POST', '/accounts/discover', { token: body.token, json })).status).toBe(403)
    await discover('ann@example.org')
    expect((await call('GET', '/accounts')).body.total).toBe(0)
  })

  test('is not asked for longer than the time that there is', async () => {
    const found = await autodiscovery({
      timeoutMs: 20,
      resolveSrv: async () => [],
      // As the platform's: it ends with its signal.
      fetch: (_url, { signal }) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
    }).discover('ann@example.org')
    expect(found).toEqual({ imap: null, smtp: null })
  })
})
