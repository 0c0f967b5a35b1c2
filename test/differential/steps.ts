import { literal } from '@everdraft/testkit'

import { corpus, corpusNames, type CorpusName } from './corpus.ts'
import { a, part, type Step } from './script.ts'

export const at = '"01-Feb-2025 03:04:05 +0000"'

export function append(name: CorpusName, folder = 'Drafts', flags = String.raw`(\Draft \Seen)`): Step {
  return a(`APPEND ${folder} ${flags} ${at} `, literal(corpus[name]))
}

export const all = (folder = 'Drafts'): readonly Step[] => corpusNames.map((name) => append(name, folder))
export const numberOf = (name: CorpusName): number => corpusNames.indexOf(name) + 1

/** What is in the folder afterwards, by content: the last word on any command. */
export const outcome = (folder = 'Drafts'): readonly Step[] => [
  part(/^status|^EXISTS/, `EXAMINE ${folder}`),
  a('UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])'),
]

export const url = (uid: number, section: string): string =>
  `URL "/Drafts;UIDVALIDITY={V:Drafts}/;UID=${uid}/;SECTION=${section}"`

export const edited = (name: string, body: string): string =>
  [
    'From: ada@example.org',
    'Subject: a draft of ours',
    `Message-ID: <${name}@example.org>`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="b1"',
    '',
    '--b1',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 7bit',
    '',
    body,
    '--b1',
    '',
  ].join('\r\n')

export const eightBitParts = (encoding: string): Uint8Array =>
  Buffer.from(
    edited('binary', 'some text') +
      [
        'Content-Type: application/pdf; name="a.pdf"',
        `Content-Transfer-Encoding: ${encoding}`,
        'Content-Disposition: attachment',
        '',
        `%PDF\0\xff\xfe\n\r\0${'0123456789'.repeat(20)}`,
        '--b1--',
        '',
      ].join('\r\n'),
    'latin1',
  )

export const closing = '\r\n--b1--\r\n'
