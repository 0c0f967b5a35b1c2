import * as fc from 'fast-check'
import { bounceReader } from '@everdraft/mail'
import type { Bounce } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { bounces, noBounces } from './bounces.ts'

const read = (text: string): Bounce | null => bounceReader().read(Buffer.from(text.replaceAll('\n', '\r\n')))

/** As a server gives the fields that were asked for. */
function mayBe(mail: string): boolean {
  const reader = bounceReader()
  const header = (mail.split('\n\n')[0] ?? '').replace(/\n(?=[ \t])/g, '')
  const wanted = new RegExp(`^(?:${reader.fields.join('|')}):`, 'i')
  const lines = header.split('\n').filter((line) => wanted.test(line))
  return reader.mayBe(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
}

describe('reports and words of mail systems', () => {
  test.each(Object.entries(bounces))('%s', (_name, { mail, expected }) => {
    expect(read(mail)).toEqual(expected)
    // Lines as a broken gateway leaves them.
    expect(bounceReader().read(Buffer.from(mail))).toEqual(expected)
  })

  test.each(Object.entries(noBounces))('no bounce: %s', (_name, mail) => {
    expect(read(mail)).toBeNull()
  })

  test.each(Object.entries(bounces))('may be one, from a few fields of its header: %s', (_name, { mail }) => {
    expect(mayBe(mail)).toBe(true)
  })

  test.each([
    ['a letter', 'Return-Path: <bob@example.com>\nFrom: Bob <bob@example.com>\nSubject: Undelivered parcels\n'],
    ['a list', 'From: News <news@example.com>\nContent-Type: multipart/alternative; boundary="x"\n'],
    ['a receipt', 'From: b@example.com\nContent-Type: multipart/report; report-type=disposition-notification\n'],
    ['a complaint', 'From: b@example.com\nContent-Type: multipart/report;\n report-type="feedback-report"\n'],
    ['nothing', ''],
  ])('is none, from a few fields of its header: %s', (_name, header) => {
    expect(mayBe(header)).toBe(false)
  })

  test('of a mail that a provider gave another Message-ID, ours is read', () => {
    const { mail, expected } = bounces['Postfix, with ENVID']!
    const renamed = (field: string): string =>
      mail.replace(/^Message-ID: (.*)$/m, `Message-ID: <theirs@mail.example.net>\n${field}: $1`)
    for (const field of ['X-Google-Original-Message-ID', 'X-Microsoft-Original-Message-ID']) {
      expect(read(renamed(field))).toEqual(expected)
    }
  })

  test.each([
    ['bob+2Btag@example.com', 'bob+tag@example.com'],
    ['bob+2B2024@example.com', 'bob+2024@example.com'],
    ['bob+2024@example.com', 'bob+2024@example.com'],
    ['bob+FFee@example.com', 'bob+FFee@example.com'],
    ['"a+20b"@example.com', '"a b"@example.com'],
    ['a+3Db@example.com', 'a=b@example.com'],
    ['a+2B3D@example.com', 'a+3D@example.com'],
  ])('%s is %s, whether its reporter knows what xtext is or not', (written, meant) => {
    const { mail, expected } = bounces['Postfix, with ENVID']!
    const recipients = [{ ...expected.recipients[0], address: meant }]
    expect(read(mail.replace('bob+2Btag@example.com', written))).toEqual({ ...expected, recipients })
  })

  test('whatever is cut off or changed, it is read or it is none, and never fails', () => {
    const whole = Object.values(bounces).map(({ mail }) => Buffer.from(mail.replaceAll('\n', '\r\n')))
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 8 }),
        (one, cut, changes) => {
          const original = whole[one % whole.length] ?? Buffer.alloc(0)
          const mail = Buffer.from(original.subarray(0, cut % (original.length + 1)))
          for (const [at, byte] of changes) if (mail.length > 0) mail[at % mail.length] = byte
          const bounce = bounceReader().read(mail)
          expect(bounce === null || bounce.recipients.length > 0).toBe(true)
          for (const { diagnostic } of bounce?.recipients ?? [])
            expect((diagnostic ?? '').length).toBeLessThanOrEqual(500)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('a message made to hurt takes no time', () => {
    const hurtful = `From: MAILER-DAEMON@example.org\nSubject: Undelivered\n\n${'<a@b> '.repeat(100_000)}\n${'  x@y\n'.repeat(50_000)}`
    const begun = performance.now()
    read(hurtful)
    read(`This is the mail system at host x\n\n${'<ann@example.org>: x\n'.repeat(20_000)}`)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})
