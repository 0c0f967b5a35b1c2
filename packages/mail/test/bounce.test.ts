import * as fc from 'fast-check'
import { bounceReader } from '@everdraft/mail'
import type { Bounce } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { bounces, noBounces } from './bounces.ts'

const read = (text: string): Bounce | null => bounceReader().read(Buffer.from(text.replaceAll('\n', '\r\n')))

describe('reports and words of mail systems', () => {
  test.each(Object.entries(bounces))('%s', (_name, { mail, expected }) => {
    expect(read(mail)).toEqual(expected)
    // Lines as a broken gateway leaves them.
    expect(bounceReader().read(Buffer.from(mail))).toEqual(expected)
  })

  test.each(Object.entries(noBounces))('no bounce: %s', (_name, mail) => {
    expect(read(mail)).toBeNull()
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
