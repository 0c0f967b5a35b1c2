import { expect, test } from 'vitest'
import { failure } from './mailbox-connecting.ts'
import { lines, onlyIf } from './mailbox-fixture.ts'
import {
  bodyOf,
  bytesOf,
  kindsOf,
  mailOf,
  noMark,
  submit,
  type SubmissionExpectations,
  type SubmissionFixture,
} from './submission-fixture.ts'

export function exerciseSending(fixture: () => SubmissionFixture, expected: SubmissionExpectations): void {
  test('delivers one message to all recipients, with the server’s words', async () => {
    const { session, envelope, delivered, recipients, token } = fixture()
    const opened = await session.open(envelope())
    expect(opened).toMatchObject({ kind: 'ready' })
    expect(kindsOf(opened)).toEqual(['accepted', 'accepted'])
    const outcome = await session.commit(bytesOf(mailOf(fixture())), noMark)
    expect(outcome).toMatchObject({ kind: 'accepted', reply: { code: 250, text: expect.any(String) } })
    const found = await delivered(token)
    expect(found.flatMap((mail) => mail.recipients).toSorted()).toEqual([...recipients].toSorted())
  })

  test('what stands between DATA and the dot arrives as it was, however it is cut into pieces', async () => {
    const { session, envelope, delivered, token } = fixture()
    const body = ['.', '..', '.leading', 'a line', '', 'x'.repeat(900), '.\t', 'end'].join('\r\n')
    const whole = mailOf(fixture(), `${body}\r\n`)
    const pieces = Array.from({ length: Math.ceil(whole.length / 7) }, (_, at) => whole.subarray(at * 7, at * 7 + 7))
    expect(await submit(session, envelope({ size: whole.length }), bytesOf(...pieces))).toMatchObject({
      kind: 'accepted',
    })
    const [mail] = await delivered(token)
    expect(bodyOf(mail?.bytes ?? Buffer.alloc(0)).trimEnd()).toBe(body)
    expect(!expected.exactBytes || mail?.bytes.equals(whole)).toBe(true)
  })

  test('a bare line feed ends no message', async () => {
    const { session, envelope, delivered, token, recipients } = fixture()
    const smuggled = `one\n.\nMAIL FROM:<evil@example.org>\r\none\r.\rtwo\n.\r\nthree\r\n`
    await submit(session, envelope({ recipients: [recipients[0]] }), bytesOf(mailOf(fixture(), smuggled)))
    const found = await delivered(token)
    expect(found).toHaveLength(1)
    expect(bodyOf(found[0]?.bytes ?? Buffer.alloc(0))).toContain('three')
    expect(session.alive).toBe(true)
  })

  onlyIf(expected.eightBitMime)('8-bit text passes', async () => {
    const { session, envelope, delivered, token } = fixture()
    const whole = mailOf(fixture(), 'Grüße\r\n')
    await submit(session, envelope({ eightBit: true, size: whole.length }), bytesOf(whole))
    const [mail] = await delivered(token)
    expect(mail?.bytes.includes('Grüße')).toBe(true)
  })

  test('several mails go through one session, and one that is given up is not sent', async () => {
    const { session, envelope, delivered, token } = fixture()
    await session.open(envelope())
    await session.reset()
    for (const text of ['first', 'second', 'third']) {
      expect(await submit(session, envelope(), bytesOf(mailOf(fixture(), `${text}\r\n`)))).toMatchObject({
        kind: 'accepted',
      })
    }
    const found = await delivered(token)
    const texts = new Set(found.map(({ bytes }) => bodyOf(bytes).trim()))
    expect([...texts].toSorted()).toEqual(['first', 'second', 'third'])
  })

  test('H21 the mark is made after the last byte and before the dot: by then nobody has anything', async () => {
    const { session, envelope, delivered, token } = fixture()
    let marks = 0
    await session.open(envelope())
    await session.commit(bytesOf(mailOf(fixture())), {
      beforeFinalDot: async () => {
        marks += 1
        expect(await delivered(token)).toEqual([])
      },
    })
    expect(marks).toBe(1)
    expect((await delivered(token)).length).toBeGreaterThan(0)
  })

  test('a mark that cannot be made keeps the dot back', async () => {
    const { session, envelope, delivered, token } = fixture()
    await session.open(envelope())
    const committing = session.commit(bytesOf(mailOf(fixture())), {
      beforeFinalDot: () => Promise.reject(new RangeError('the disk is full')),
    })
    await expect(committing).rejects.toThrow(new RangeError('the disk is full'))
    expect(session.alive).toBe(false)
    expect(await delivered(token)).toEqual([])
  })

  test('a source that fails keeps the dot back', async () => {
    const { session, envelope, delivered, token } = fixture()
    await session.open(envelope())
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield mailOf(fixture())
      throw new RangeError('a blob is missing')
    }
    await expect(session.commit({ kind: 'bytes', open }, noMark)).rejects.toThrow('a blob is missing')
    expect(session.alive).toBe(false)
    expect(await delivered(token)).toEqual([])
  })

  onlyIf(expected.refusesRecipients)(
    'each recipient has a result of its own, and the accepted ones get it',
    async () => {
      const { session, envelope, delivered, recipients, refused = '', temporary = '', token } = fixture()
      const opened = await session.open(envelope({ recipients: [refused, recipients[0], temporary] }))
      expect(opened).toMatchObject({
        kind: 'ready',
        recipients: [
          {
            address: refused,
            kind: 'refused',
            reply: {
              code: 550,
              enhanced: expect.stringMatching(/^5\./),
              text: expect.stringContaining('No such user'),
            },
          },
          { address: recipients[0], kind: 'accepted', reply: { code: 250 } },
          { address: temporary, kind: 'temporary', reply: { code: 451, enhanced: expect.stringMatching(/^4\./) } },
        ],
      })
      await session.commit(bytesOf(mailOf(fixture())), noMark)
      const found = await delivered(token)
      expect(found.flatMap((mail) => mail.recipients)).toEqual([recipients[0]])
    },
  )

  onlyIf(expected.refusesRecipients)(
    'where nobody is accepted there is nothing to commit, and the next goes on',
    async () => {
      const { session, envelope, refused = '', temporary = '' } = fixture()
      const opened = await session.open(envelope({ recipients: [temporary, refused] }))
      expect(opened.kind).toBe('no-recipients')
      expect(kindsOf(opened)).toEqual(['temporary', 'refused'])
      await expect(session.commit(bytesOf(mailOf(fixture())), noMark)).rejects.toThrow(TypeError)
      expect(await submit(session, envelope(), bytesOf(mailOf(fixture())))).toMatchObject({ kind: 'accepted' })
    },
  )

  onlyIf(expected.limitsSize)('what is too large is refused before a byte of it goes', async () => {
    const { session, envelope } = fixture()
    const sent = session.bytes().sent
    const limitBytes = session.capabilities.sizeLimit
    expect(await session.open(envelope({ size: 2 ** 40 }))).toEqual({ kind: 'too-large', limitBytes })
    expect(session.bytes().sent).toBe(sent)
  })

  const international = 'Jörg@example.org'

  onlyIf(expected.smtpUtf8)('an address that needs SMTPUTF8 gets it', async () => {
    const { session, envelope } = fixture()
    const outcome = await session.open(envelope({ recipients: [international] }))
    expect(outcome).toMatchObject({ recipients: [{ address: international }] })
  })

  onlyIf(!expected.smtpUtf8)('what SMTPUTF8 is missing for is said before anything is sent', async () => {
    const { session, envelope } = fixture()
    const sent = session.bytes().sent
    const unsupported = { kind: 'unsupported', needs: 'SMTPUTF8' }
    expect(await session.open(envelope({ recipients: [international] }))).toEqual({
      ...unsupported,
      addresses: [international],
    })
    expect(await session.open(envelope({ utf8Header: true }))).toEqual({ ...unsupported, addresses: [] })
    expect(session.bytes().sent).toBe(sent)
  })

  test('an international domain alone needs no SMTPUTF8', async () => {
    const { session, envelope } = fixture()
    expect(await session.open(envelope({ recipients: ['ann@bücher.example'] }))).not.toMatchObject({
      kind: 'unsupported',
    })
  })

  onlyIf(!expected.eightBitMime)('what 8BITMIME is missing for is said before anything is sent', async () => {
    const { session, envelope } = fixture()
    expect(await session.open(envelope({ eightBit: true }))).toEqual({
      kind: 'unsupported',
      needs: '8BITMIME',
      addresses: [],
    })
  })

  test('no address and no parameter can bring a command of its own', async () => {
    const { session, envelope } = fixture()
    const sent = session.bytes().sent
    const bad = [
      'a@example.org\r\nDATA',
      'a@example.org> SIZE=1',
      'a b@example.org',
      'a\0@example.org',
      '"a@example.org',
    ]
    for (const address of bad) {
      await expect(session.open(envelope({ recipients: [address] }))).rejects.toThrow(TypeError)
      await expect(session.open(envelope({ from: address }))).rejects.toThrow(TypeError)
    }
    await expect(session.open(envelope({ envid: 'a b' }))).rejects.toThrow(TypeError)
    await expect(session.open(envelope({ recipients: [] }))).rejects.toThrow(TypeError)
    expect(session.bytes().sent).toBe(sent)
    expect(session.alive).toBe(true)
  })

  test('a large message streams', async () => {
    const { session, envelope, delivered, token } = fixture()
    const size = 5_000_000
    const header = mailOf(fixture(), '')
    const open = async function* (): AsyncGenerator<Uint8Array> {
      yield header
      yield* lines(size)
    }
    expect(await submit(session, envelope({ size: header.length + size }), { kind: 'bytes', open })).toMatchObject({
      kind: 'accepted',
    })
    const [mail] = await delivered(token)
    expect(mail?.bytes.length).toBeGreaterThanOrEqual(header.length + size)
  })

  test('is dead after close', async () => {
    const { session, envelope } = fixture()
    await session.close()
    await session.close()
    expect(session.alive).toBe(false)
    expect(await failure(session.open(envelope()))).toMatchObject({ code: 'CONNECTION_LOST', phase: 'before-dot' })
  })
}
