import { describe, expect, test } from 'vitest'

import { ownText, wordsOf } from '../src/correlation/own-text.ts'

const own = (text: string): string => ownText({ text, html: null })

describe('what the author of a mail wrote', () => {
  test.each([
    ['English', 'On Tue, 3 Nov 2026 at 10:00, Bob Example <bob@example.com>\nwrote:'],
    ['German', 'Am 03.11.26 um 10:00 schrieb Bob Example:'],
    ['French', 'Le mar. 3 nov. 2026 à 10:00, Bob Example <bob@example.com> a\nécrit :'],
    ['Spanish', 'El mar, 3 nov 2026 a las 10:00, Bob Example (<bob@example.com>)\nescribió:'],
    ['Italian', 'Il 3/11/26 10:00, Bob Example ha scritto:'],
    ['Portuguese', 'Em 3/11/26 10:00, Bob Example escreveu:'],
    ['Dutch', 'Op 3-11-2026 om 10:00 schreef Bob Example:'],
    ['Swedish', 'Den 3 nov 2026 kl. 10:00, skrev Bob Example <bob@example.com>:'],
    ['Polish', 'W dniu 3.11.2026 o 10:00, Bob Example pisze / napisał:'],
    ['Russian', '3 ноября 2026 г., 10:00, Bob Example <bob@example.com> написал:'],
    ['Turkish', 'Bob Example, 3 Kas 2026 10:00 tarihinde şunu yazdı:'],
    ['Chinese', '在 2026/11/3 10:00, Bob Example 写道：'],
    ['Japanese', '2026年11月3日 10:00、Bob Example のメッセージ:'],
    ['no language', '2026-11-03 10:00 GMT+01:00 Bob Example <bob@example.com>:'],
  ])('the line that announces a quote is none of it: %s', (_, attribution) => {
    expect(own(`Thanks, that suits me.\n\n${attribution}\n> Tuesday?\n`)).toBe('Thanks, that suits me.')
    expect(own(`${attribution}\n\n> Tuesday?\n> Or later?\n\nThanks, that suits me.\n`)).toBe('Thanks, that suits me.')
  })

  test.each([
    ['-----Original Message-----\nFrom: Bob Example\nSent: Tuesday\nTo: Ann Example\nSubject: When?'],
    ['________________________________\nFrom: Bob Example <bob@example.com>\nSent: Tuesday\nTo: Ann\nSubject: When?'],
    ['Von: Bob Example\nGesendet: Dienstag\nAn: Ann Example\nBetreff: Wann?'],
    ['De : Bob Example\nEnvoyé : mardi\nÀ : Ann Example\nObjet : Quand ?'],
    ['-------- Weitergeleitete Nachricht --------\nBetreff: Wann?'],
    ['发件人: Bob\n发送时间: 2026-11-03\n收件人: Ann\n主题: 何时'],
    ['On 3 Nov 2026, Bob Example wrote:'],
  ])('all below a header that is written out is somebody else’s: %s', (separator) => {
    expect(own(`Thanks, that suits me.\n\n${separator}\n\nTuesday?\n`)).toBe('Thanks, that suits me.')
  })

  test('a sentence that ends in a colon, and a line that begins with From, stay', () => {
    expect(own('She wrote:\n\nFrom: here to there\n')).toBe('She wrote: From: here to there')
    expect(own('My answers are below:\n\n> Tuesday?\nYes.\n> Noon?\nNo.\n')).toBe('My answers are below: Yes. No.')
  })

  test('the signature goes, and what a phone puts below', () => {
    expect(own('Yes.\n\n-- \nAnn Example\nSales\n')).toBe('Yes.')
    expect(own('Yes.\n--\nAnn\n\nOn 3 Nov 2026, Bob wrote:\n> Tuesday?\n')).toBe('Yes.')
    expect(own('Yes.\n\nSent from my phone\n')).toBe('Yes.')
    expect(own('Gesendet von meinem Telefon haben wir nichts.\nNein.')).toBe(
      'Gesendet von meinem Telefon haben wir nichts. Nein.',
    )
  })

  test('HTML says the same as plain text, however it was folded and whatever quotation marks became', () => {
    const html =
      '<div dir="ltr">It&#8217;s “fine”.&nbsp; Go on.</div><div class="gmail_signature">Ann</div><div>On 3 Nov 2026 at 10:00, Bob wrote:<br></div><blockquote>Tuesday?</blockquote>'
    expect(ownText({ text: '', html })).toBe(`It's "fine". Go on.`)
    expect(own(`It's "fine".\nGo on.\n\n-- \nAnn`)).toBe(`It's "fine". Go on.`)
  })

  test('a long line of blanks, or of dashes, takes no time', () => {
    const started = performance.now()
    own(`${' '.repeat(200_000)}x\n${'-'.repeat(200_000)}\n${'> '.repeat(100_000)}`)
    own('From: a\n'.repeat(20_000))
    own(`On ${'1:1 '.repeat(50_000)}`)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

test('words are bare of punctuation, and each character one where there are no blanks', () => {
  expect(wordsOf('Don’t—stop, Žluťoučký 42!')).toEqual(['don', 't', 'stop', 'žluťoučký', '42'])
  expect(wordsOf('明日です ok')).toEqual(['明', '日', 'で', 'す', 'ok'])
})
