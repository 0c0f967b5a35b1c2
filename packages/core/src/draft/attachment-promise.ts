import type { DraftContent } from './draft.ts'
import { textOf } from './quote.ts'

/** How people say that something is attached. Beginnings of words, unless `$` ends them. */
const words: Readonly<Record<string, readonly string[]>> = {
  English: ['attached', 'attaching', 'attachment', 'i attach$', 'enclosed', 'enclosure'],
  German: [
    'anhang',
    'anhänge',
    'angehängt',
    'anbei$',
    'beigefügt',
    'beiliegend',
    'beigelegt',
    'in der anlage$',
    'als anlage$',
  ],
  French: [
    'pièce jointe',
    'pièces jointes',
    'piece jointe',
    'pieces jointes',
    'ci-joint',
    'ci joint',
    'en pj$',
    'en pièce',
  ],
  Spanish: ['adjunt'],
  Italian: ['allegat', 'allego$', 'alleghiamo$'],
  Portuguese: ['anexo', 'anexad', 'anexei$', 'anexamos$', 'anexa$', 'anexas$'],
  Dutch: ['bijlage', 'bijgevoegd', 'bijgaand', 'bijgesloten'],
  Russian: ['вложени', 'прикреп', 'прилага', 'приложен'],
  Polish: ['załącz', 'zalacz'],
  Ukrainian: ['вкладенн', 'прикріпл', 'долучен'],
  Czech: ['příloh', 'v příloze', 'přikládám', 'přiložen'],
  Slovak: ['príloh', 'v prílohe', 'priložen', 'prikladám'],
  Swedish: ['bifoga', 'bilaga', 'bilagor'],
  Danish: ['vedhæft', 'vedlagt', 'bilag'],
  Norwegian: ['vedlegg', 'vedlagt', 'legger ved$'],
  Finnish: ['liite$', 'liitteen', 'ohessa$'],
  Hungarian: ['mellékel', 'melléklet', 'csatol'],
  Turkish: ['ekte$', 'ekteki', 'eklenmiş', 'ilişikte'],
  Greek: ['συνημμέν', 'επισυνάπτ', 'επισυναπτ'],
}

/** Scripts without blanks between words. */
const written: readonly string[] = ['添付', '附件', '附檔', '附档', '첨부', 'แนบ', 'מצורפ', 'מצורף', 'مرفق']

const spoken: readonly string[] = Object.values(words).flat()

/** Also within a word: what is not there is nowhere, and that is known in half the time. */
const trace: RegExp = new RegExp([...spoken.map((word) => word.replace(/\$$/, '')), ...written].join('|'), 'iu')

const promise: RegExp = new RegExp(
  `(?<![\\p{L}\\p{M}\\p{N}])(?:${spoken
    .map((word) => word.replace(/\$$/, '(?![\\p{L}\\p{M}\\p{N}])'))
    .join('|')})|${written.join('|')}`,
  'iu',
)

/** Lines with which programs begin the message that is answered, when they do not mark each of its lines. */
const originalBegins =
  /^\s*(?:-{3,}\s*(?:original message|forwarded message|ursprüngliche nachricht|weitergeleitete nachricht|message d'origine|mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht|исходное сообщение|wiadomość oryginalna)|_{10,}\s*$)/iu

/** Whether the writer's own words, without quote and signature, speak of an attachment. */
export function promisesAttachment(content: Pick<DraftContent, 'subject' | 'text' | 'html'>): boolean {
  // A subject with Re: or Fwd: is somebody else's.
  const isOwnSubject = !/^\s*(?:re|aw|fwd?|wg|tr|rv|sv|antw|r|odp|отв|пересл)\s*:/iu.test(content.subject)
  const own = `${isOwnSubject ? content.subject : ''}\n${ownWords(content)}`.normalize('NFC')
  return trace.test(own) && promise.test(own)
}

function ownWords(content: Pick<DraftContent, 'text' | 'html'>): string {
  const lines = textOf(content, { withoutSignature: true }).split('\n')
  const end = lines.findIndex((line) => originalBegins.test(line))
  return lines
    .slice(0, end === -1 ? undefined : end)
    .filter((line) => !line.startsWith('>'))
    .join('\n')
}
