import { textOf } from '../draft/quote.ts'

/**
 * What the author of a mail wrote: without quotes, the lines that announce them, and the signature. How it is folded does not show,
 * nor what editors make of typed quotation marks by themselves.
 */
export function ownText(mail: { readonly text: string; readonly html: string | null }): string {
  return ownLines(textOf(mail, { withoutSignature: true }))
    .join('\n')
    .toWellFormed()
    .normalize('NFKC')
    .replaceAll(/[‘’‚]/g, "'")
    .replaceAll(/[“”„]/g, '"')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** In lower case and bare of punctuation; of scripts that put no blanks between words each character is one. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(wordPattern) ?? []
}

const wordPattern =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{M}\p{N}])+/gu

/** Longer mails are generated, and nobody edits what stands so far below. */
const mostLines = 5_000

function ownLines(text: string): readonly string[] {
  const lines = text.split('\n', mostLines).map((line) => line.replaceAll('\u00a0', ' ').trimEnd())
  return withoutSignature(withoutMarked(lines.slice(0, quotedFrom(lines))))
}

/** Lines with `>`, and those right above them that say whose words they are. */
function withoutMarked(lines: readonly string[]): readonly string[] {
  const isOwn = lines.map((line) => !/^\s{0,3}>/.test(line))
  for (let index = 1; index < lines.length; index += 1) {
    const beginsQuote = !isOwn[index] && isOwn[index - 1]
    if (beginsQuote) for (const line of attributionAbove(lines, index)) isOwn[line] = false
  }
  return lines.filter((_, index) => isOwn[index])
}

/** Right above a quote, where it ends in a colon: as many lines as it takes to say when, as it may have been folded. */
function attributionAbove(lines: readonly string[], quote: number): readonly number[] {
  let last = quote - 1
  while (last >= 0 && lines[last] === '') last -= 1
  for (let first = last; first >= 0 && last - first < mostAttributionLines && lines[first] !== ''; first -= 1) {
    const said = lines.slice(first, last + 1).join(' ')
    if (!isAttribution(said) || !/\d/.test(said.replaceAll(/<[^<>]*>|\S+@\S+/g, ''))) continue
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  }
  // Without a time it is one line; somebody's own sentence may end in a colon, too.
  return isAttribution(lines[last] ?? '') ? [last] : []
}

const mostAttributionLines = 3

// Who wrote when, in the languages of the programs that write it. Left out are words that are common in sentences.
const wrote =
  /wrote|schrieb|écrit|escribió|ha scritto|escreveu|schreef|skrev|kirjoitti|napisał|napsal|napísal|írta|a scris|yazdı|написал|пишет|писал|написав|έγραψε|כתב|كتب|写道|寫道|のメッセージ|書きました|작성/iu

/** Short, ends in a colon, and names a time or an address. */
function isAttribution(line: string): boolean {
  if (line.length > 300 || !/[:：]\s*$/.test(line)) return false
  return wrote.test(line) || (/\d{1,2}[:.]\d{2}/.test(line) && /[@<]/.test(line))
}

// `-----Original Message-----`, and what stands for it elsewhere.
const separator =
  /^\s*(?:[-_–—]{2,}\s*)(?:original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|message d['’]origine|message transféré|mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding|alkuperäinen viesti|wiadomość oryginalna|původní zpráva|исходное сообщение|пересылаемое сообщение|原始邮件|原始郵件|元のメッセージ|원본 메시지)(?:\s*[-_–—]{2,})?\s*$/iu

const fromField =
  /^\s*\*?(?:from|von|de|da|van|från|fra|lähettäjä|od|от|від|kimden|发件人|寄件者|差出人|보낸 사람)\*?\s*[:：]/iu
const otherField =
  /^\s*\*?(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado|para|asunto|assunto|data|inviato|a|oggetto|verzonden|aan|onderwerp|skickat|till|ämne|sendt|til|emne|lähetetty|vastaanottaja|aihe|wysłano|do|temat|odesláno|komu|předmět|отправлено|дата|кому|тема|发送时间|收件人|主题|寄件日期|收件者|主旨|送信日時|宛先|件名|보낸 날짜|받는 사람|제목)\*?\s*[:：]/iu

/** The line from which on everything is somebody else's; the number of lines where there is none. */
function quotedFrom(lines: readonly string[]): number {
  const at = lines.findIndex((line, index) => {
    if (line === '') return false
    if (separator.test(line)) return true
    return (fromField.test(line) && isHeaderBlock(lines, index)) || isBareAttribution(lines, index)
  })
  if (at === -1) return lines.length
  // A ruler above it belongs to it.
  const above = lines.slice(0, at).findLastIndex((line) => line !== '')
  return above !== -1 && /^\s*[-_–—]{5,}$/.test(lines[above] ?? '') ? above : at
}

/** A header written out: at least two more of its fields follow. */
function isHeaderBlock(lines: readonly string[], at: number): boolean {
  return lines.slice(at + 1, at + 7).filter((line) => otherField.test(line)).length >= 2
}

/** It says whose words follow, and they follow without any mark. */
function isBareAttribution(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? ''
  if (!wrote.test(line) || !isAttribution(line) || !/\d/.test(line)) return false
  const next = lines.slice(at + 1).find((one) => one !== '')
  return next !== undefined && !/^\s{0,3}>/.test(next)
}

// What phones and programs put below a mail by themselves.
const advertisement =
  /^\s*(?:sent (?:from|with|by|via)\b|get outlook for\b|gesendet (?:von|mit)\b|von meinem .{1,40} gesendet|diese nachricht wurde von .{1,60} gesendet|envoyé (?:depuis|de|à partir de|avec)\b|télécharger outlook\b|enviado (?:desde|do|de|con|com)\b|inviato (?:da|con)\b|verzonden (?:vanaf|met|via)\b|verstuurd vanaf\b|skickat från\b|sendt fra\b|lähetetty\b|wysłan[eo] z\b|odesláno z\b|отправлено (?:с|из)\b|从我的|從我的|iphoneから送信)/iu

/** From `-- ` on (RFC 3676 §4.3), also with its blank lost on the way, and what programs advertise. */
function withoutSignature(lines: readonly string[]): readonly string[] {
  const at = lines.findLastIndex((line) => line === '--')
  const own = at === -1 ? lines : lines.slice(0, at)
  const last = own.findLastIndex((line) => line !== '')
  // Only at the end: within, it is a sentence of somebody's.
  return last > 0 && (own[last]?.length ?? 0) <= 100 && advertisement.test(own[last] ?? '') ? own.slice(0, last) : own
}
