import { readdirSync, readFileSync } from 'node:fs'

import type { ParsedMessage } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { readMessage, saveMessage, type ReadMessage } from './read-and-save.ts'

const folder = new URL('corpus/', import.meta.url)
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.eml'))
  .map((name) => name.slice(0, -'.eml'.length))

async function corpus(name: string): Promise<ReadMessage> {
  return readMessage(readFileSync(new URL(`${name}.eml`, folder)))
}

/** What a copy of ours must say as the original did. Sections and encodings may be others. */
function modelled({ parsed, content }: ReadMessage): unknown {
  const { sender, replyTo, mailFollowupTo, listPost, protection } = parsed
  return { ...content, sender, replyTo, mailFollowupTo, listPost, protection }
}

function unmodelled({ parsed }: ReadMessage): unknown {
  return {
    headers: parsed.unmodelled?.headers ?? [],
    // The header of an opaque body is found below ours, its bytes unchanged.
    parts:
      parsed.unmodelled?.parts.map(({ contentType, header, size, sha256 }) => ({
        contentType,
        header,
        size,
        sha256,
      })) ?? [],
  }
}

describe('H12 H38 every message of the corpus', () => {
  test('is there', () => {
    expect(names.length).toBeGreaterThanOrEqual(40)
  })

  test.each(names)(
    '%s: read, saved and read again says the same; what we do not model is the same to the byte',
    async (name) => {
      const before = await corpus(name)
      const saved = await saveMessage(before)
      const after = await readMessage(saved)
      expect(modelled(after)).toEqual(modelled(before))
      expect(unmodelled(after)).toEqual(unmodelled(before))
      for (const { sha256 } of before.parsed.unmodelled?.parts ?? []) {
        expect(after.files.get(sha256)).toEqual(before.files.get(sha256))
      }
      // Saved once more, not a byte differs.
      expect((await saveMessage(after)).toString('latin1')).toBe(saved.toString('latin1'))
    },
  )

  test.each(names)('%s: an edit of the text changes nothing else', async (name) => {
    const before = await corpus(name)
    const saved = await saveMessage(before, { text: 'edited', html: before.content.html && '<i>edited</i>' })
    if (before.parsed.protection !== null) {
      // It stands beside the new words as it was, and may then be read as a file.
      const [opaque] = before.parsed.unmodelled?.parts ?? []
      expect(saved.includes(Buffer.from(before.files.get(opaque?.sha256 ?? '') ?? 'missing'))).toBe(true)
      return
    }
    const after = await readMessage(saved)
    expect(unmodelled(after)).toEqual(unmodelled(before))
    expect(after.content).toEqual({
      ...before.content,
      text: 'edited',
      html: before.content.html && '<i>edited</i>',
    })
  })
})

const picture = { contentType: 'image/png', disposition: 'inline' }

/** By hand, from the files themselves. */
const expected: Readonly<Record<string, Partial<Record<keyof ParsedMessage, unknown>>>> = {
  'thunderbird-draft': {
    subject: 'Plans for the café',
    to: [
      { address: 'bob@example.com', name: 'Bob Builder' },
      { address: 'joerg@example.net', name: 'Jörg Müller' },
    ],
    text: 'Hi both,\n\nthis is a paragraph that Thunderbird wrapped for us at a width that it likes, and it should come back as one line.\n\n> quoted words that were wrapped in the middle\n>> and deeper\n a line that begins with a blank\n-- \nAnn',
  },
  'thunderbird-html-attachment': {
    text: 'The report is *here*.',
    attachments: [
      { ...picture, filename: 'chart.png', contentId: 'part1.ABCD@example.org', section: '1.2.2', size: 70 },
      { filename: 'Béricht 2024.pdf', section: '2', encoding: 'base64', size: 20 },
    ],
  },
  'apple-mail-inline-pdf': {
    text: 'First page:\n\n\n\nSecond page — see above.',
    html: '<html><body>First page:<br></body></html>\n<html><body><br>Second page — see above.</body></html>',
    attachments: [{ filename: 'page.pdf', disposition: 'inline', section: '2.2' }],
  },
  'apple-mail-delsp': {
    text: 'A line that was wrapped by a program which deletes the blank that it put at the end, 日本 語.',
  },
  'outlook-exchange': {
    from: { address: 'frida@corp.example', name: 'Foe, Frida' },
    text: 'Hello Gus,\n\n1½ million… see below.\n\nFrom: Gil, Gus\nSent: Thursday',
    attachments: [{ ...picture, contentId: 'image001.png@01DA0000.EXAMPLE0', section: '2' }],
  },
  'exchange-winmail': {
    text: '“Rich” words, € 5',
    attachments: [{ filename: 'winmail.dat', contentType: 'application/ms-tnef' }],
  },
  'outlook-meeting': {
    html: '<html><body>Stand-up every Monday</body></html>',
    attachments: [],
    unmodelled: { parts: [{ contentType: 'text/calendar', section: '3' }] },
  },
  'gmail-web': {
    text: 'Sounds good 😀\n\nOn Mon, Mar 18, 2024 at 9:00\u202fPM Ida <ida@example.org> wrote:\n\n> Sea?',
  },
  'gmail-attachment': {
    text: 'see files',
    attachments: [
      { filename: 'table.csv', contentId: 'f_ltexample0', disposition: 'attachment' },
      { filename: 'notes.txt', contentType: 'text/plain', size: 6 },
    ],
  },
  'k9-draft': {
    bcc: [{ address: 'mia@example.org', name: '' }],
    text: 'On the train, back at 7.\n\n-- \nSent from my phone.',
  },
  'k9-openpgp': { protection: 'encrypted', text: '', attachments: [] },
  'smime-signed': { protection: 'signed', text: '' },
  'smime-enveloped': { protection: 'encrypted', attachments: [] },
  'roundcube-draft': {
    subject: 'Äpfel und Birnen für alle, die gerne Obst essen',
    text: 'Äpfel,\n\n> Birnen?',
  },
  mutt: {
    mailFollowupTo: [
      { address: 'mutt-users@lists.example', name: '' },
      { address: 'rob@example.org', name: 'Rob' },
    ],
    references: ['<20240322100000.GA1@host.example.org>', '<20240322110000.GB2@host.example.org>'],
    text: 'On Fri, Mar 22, 2024 at 12:00:00PM +0100, Rob wrote:\n> naïve folding\nYes.\n\nQuin',
    date: Date.UTC(2024, 2, 23, 10),
  },
  'mutt-postponed': { bcc: [], replyTo: [], attachments: [{ filename: '0001-fix.patch', encoding: '7bit' }] },
  'mailman-list': {
    listPost: 'talk@lists.example',
    replyTo: [{ address: 'uma@example.net', name: 'Uma' }],
    sender: { address: 'talk-bounces@lists.example', name: 'Talk' },
    date: Date.UTC(2024, 2, 25, 10),
    text: 'hello list',
    unmodelled: { parts: [{ contentType: 'text/plain', section: '2' }] },
  },
  'list-signed': {
    listPost: null,
    protection: null,
    text: 'footer',
    unmodelled: { parts: [{ contentType: 'multipart/signed', section: '1' }] },
  },
  dsn: {
    text: "I'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.",
    attachments: [{ contentType: 'message/delivery-status' }, { contentType: 'text/rfc822-headers' }],
  },
  'nested-forwards': {
    text: 'look inside',
    attachments: [
      { filename: 'inner.eml', contentType: 'message/rfc822', section: '2' },
      { contentType: 'message/rfc822', encoding: '8bit', disposition: 'inline' },
    ],
  },
  digest: { unmodelled: { parts: [{ contentType: 'multipart/digest', section: '2' }] } },
  'html-only': { text: '' },
  'pdf-only': { text: '', attachments: [{ filename: 'scan.pdf', section: '1', size: 16 }] },
  'related-at-root': {
    html: '<p><img src="cid:pic@example.org"><img src="pic2.gif"></p>',
    attachments: [{ contentId: 'pic@example.org' }, { contentId: null }, { contentType: 'text/html' }],
  },
  'enriched-alternative': {
    text: 'plain',
    html: '<b>html</b>',
    unmodelled: { parts: [{ section: '2' }, { section: '3' }, { section: '5' }] },
  },
  'odd-folding': {
    from: { address: 'ann@example.org', name: 'Ann Example' },
    to: [
      { address: 'bob@example.org', name: 'Bob Builder' },
      { address: 'carl@example.org' },
      { address: 'dee@example.org', name: '' },
      { address: 'eve@example.org', name: 'Eve "E" Example' },
    ],
    subject: 'a subject that begins late',
    messageId: '<odd@example.org>',
    date: Date.UTC(2024, 2, 29, 10),
  },
  'raw-8bit-headers': { from: { address: 'joerg@example.org', name: 'Jörg' }, subject: 'Grüße', text: 'Grüße' },
  'raw-utf8-headers': {
    from: { address: 'jõgeva@õun.example', name: 'Jõgeva' },
    to: [{ address: '用户@例子.example', name: '用户' }],
    subject: 'Grüße aus 東京',
    attachments: [{ filename: 'grüße.txt' }],
  },
  'iso-2022-jp': { text: '日本語の本文です。' },
  'koi8-r': { from: { address: 'ivan@example.ru', name: 'Иван' }, subject: 'Привет', text: 'Привет, мир' },
  gb18030: { subject: '你好', html: '<p>你好</p>' },
  'broken-charset': {
    to: [{ address: 'bob@example.org', name: 'Böb' }],
    subject: 'Grüß =?nonsense',
    text: 'Grüße € 5',
  },
  'broken-encodings': {
    text: '100=% sure ü and =XY and a lone ',
    attachments: [{ contentType: 'application/x-thing', size: 9 }],
    unmodelled: { parts: [{ contentType: 'application/x-other' }] },
  },
  'empty-body': { text: '' },
  'header-only': { subject: 'no body at all', text: '', date: null },
  'missing-boundary': { text: '', unmodelled: { parts: [{ contentType: 'multipart/mixed', section: 'TEXT' }] } },
  'unclosed-boundary': { text: 'first', attachments: [{ filename: 'a.pdf', size: 5 }] },
  'duplicate-headers': {
    from: { address: 'ann@example.org', name: '' },
    to: [{ address: 'bob@example.org' }, { address: 'carl@example.org' }],
    cc: [{ address: 'dee@example.org' }, { address: 'eve@example.org' }],
    subject: 'one',
    messageId: '<dup1@example.org>',
    html: null,
  },
  'mbox-from': { subject: 'from an mbox', text: '>From here on\n.\n..dots' },
  'no-empty-line': { text: 'These words follow the header at once.\nJust words, no header' },
  semicolons: {
    text: 'ä',
    attachments: [
      { filename: 'no type.bin', contentType: 'application/octet-stream' },
      { filename: '', contentType: 'application/octet-stream' },
      { filename: 'a very long name ü.bin' },
    ],
  },
  'cyrillic-windows': { subject: 'Привет, мир', text: 'Привет, мир', attachments: [{ filename: 'архив.zip' }] },
  appledouble: { text: 'äpfel', attachments: [{ filename: '%picture' }, { filename: 'picture' }] },
  'bare-lf': { text: 'one\ntwo', attachments: [{ size: 9 }] },
}

describe('of the corpus, read by hand', () => {
  test.each(Object.keys(expected))('%s says what people see in it', async (name) => {
    expect((await corpus(name)).parsed).toMatchObject(expected[name] ?? {})
  })
})
