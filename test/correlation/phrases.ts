import type { Dice } from '../sim/world/dice.ts'

/** What people of one language write to each other at work. */
export interface Language {
  readonly name: string
  readonly greeting: string
  readonly closing: string
  /** `{topic}` is filled in. */
  readonly sentences: readonly string[]
  readonly topics: readonly string[]
  /** `{date}` and `{name}` are filled in. */
  readonly attribution: string
}

export const languages: readonly Language[] = [
  {
    name: 'English',
    greeting: 'Dear {name},',
    closing: 'Kind regards',
    attribution: 'On {date}, {name} wrote:',
    topics: ['the invoice', 'the delivery', 'your booking', 'the spare part', 'the contract', 'the second quote'],
    sentences: [
      'Thank you for your message about {topic}.',
      'We have looked into {topic} and found nothing out of order.',
      'The goods leave our warehouse on Thursday and reach you within three working days.',
      'Please let us know whether the address in Harbour Street is still right.',
      'A colleague from accounting will call you tomorrow before noon.',
      'As agreed on the phone we take five per cent off the price.',
      'I attach nothing yet, as the plan is still being checked by two engineers.',
      'Would a meeting in the last week of the month suit you?',
      'The warranty covers the repair, so there is nothing for you to pay.',
      'Our workshop is closed from Monday to Wednesday because of stocktaking.',
      'Should {topic} be urgent, write to me directly and I will see to it at once.',
      'We are sorry for the trouble that {topic} has caused you.',
      'The new version of the form is on our site, and the old one is no longer accepted.',
      'Your customer number has changed; the old one still works until spring.',
      'I have passed your question on to the person who looks after {topic}.',
      'Two pallets arrived damaged and were sent back to the carrier.',
    ],
  },
  {
    name: 'German',
    greeting: 'Guten Tag {name},',
    closing: 'Mit freundlichen Grüßen',
    attribution: 'Am {date} schrieb {name}:',
    topics: ['die Rechnung', 'die Lieferung', 'Ihre Buchung', 'das Ersatzteil', 'den Vertrag'],
    sentences: [
      'vielen Dank für Ihre Nachricht über {topic}.',
      'Wir haben {topic} geprüft und keine Fehler gefunden.',
      'Die Ware verlässt unser Lager am Donnerstag und ist in drei Werktagen bei Ihnen.',
      'Bitte teilen Sie uns mit, ob die Anschrift in der Hafenstraße noch stimmt.',
      'Eine Kollegin aus der Buchhaltung ruft Sie morgen Vormittag an.',
      'Wie am Telefon besprochen erhalten Sie fünf Prozent Nachlass.',
      'Passt Ihnen ein Treffen in der letzten Woche des Monats?',
      'Die Reparatur ist durch die Garantie gedeckt, es entstehen Ihnen keine Kosten.',
      'Unsere Werkstatt ist von Montag bis Mittwoch wegen Inventur geschlossen.',
      'Für die Umstände, die Ihnen entstanden sind, bitten wir um Entschuldigung.',
      'Ihre Kundennummer hat sich geändert, die alte gilt noch bis zum Frühjahr.',
      'Zwei Paletten kamen beschädigt an und gingen zurück an die Spedition.',
    ],
  },
  {
    name: 'French',
    greeting: 'Bonjour {name},',
    closing: 'Bien cordialement',
    attribution: 'Le {date}, {name} a écrit :',
    topics: ['la facture', 'la livraison', 'votre réservation', 'la pièce détachée', 'le contrat'],
    sentences: [
      'Merci de votre message concernant {topic}.',
      'Nous avons vérifié {topic} et tout semble en ordre.',
      'La marchandise quitte notre entrepôt jeudi et vous parviendra sous trois jours ouvrés.',
      'Pourriez-vous confirmer que l’adresse de la rue du Port est toujours exacte ?',
      'Une collègue de la comptabilité vous appellera demain avant midi.',
      'Comme convenu au téléphone, nous vous accordons une remise de cinq pour cent.',
      'Une réunion pendant la dernière semaine du mois vous conviendrait-elle ?',
      'La garantie couvre la réparation, vous n’avez donc rien à payer.',
      'Notre atelier est fermé de lundi à mercredi pour inventaire.',
      'Votre numéro de client a changé, l’ancien reste valable jusqu’au printemps.',
      'Deux palettes sont arrivées abîmées et ont été renvoyées au transporteur.',
    ],
  },
  {
    name: 'Japanese',
    greeting: '{name} 様',
    closing: 'よろしくお願いいたします。',
    attribution: '{date}、{name} のメッセージ:',
    topics: ['請求書', '配送', 'ご予約', '交換部品', '契約書'],
    sentences: [
      '{topic}についてご連絡いただきありがとうございます。',
      '{topic}を確認しましたが、問題は見つかりませんでした。',
      '商品は木曜日に倉庫を出て、三営業日以内に届きます。',
      '港町の住所に変更がないかお知らせください。',
      '経理の担当者が明日の午前中にお電話いたします。',
      'お電話でお約束したとおり五パーセント値引きいたします。',
      '今月の最終週にお打ち合わせはいかがでしょうか。',
      '修理は保証の対象ですので費用はかかりません。',
      '工場は月曜日から水曜日まで棚卸しのため休業します。',
      '新しい書式は当社のサイトにございます。',
    ],
  },
]

/** Sentences in an order of their own, none twice. */
export function sentences(language: Language, count: number, topic: string, dice: Dice): readonly string[] {
  const left = [...language.sentences]
  return Array.from({ length: Math.min(count, left.length) }, () => {
    const [sentence = ''] = left.splice(dice.below(left.length), 1)
    return sentence.replaceAll('{topic}', topic)
  })
}

/** Words that nothing else is made of: what a person adds that no template has. */
export function freshWords(count: number, dice: Dice): string {
  const syllables = ['lor', 'mi', 'ska', 'tre', 'un', 'vel', 'gra', 'pon', 'di', 'hef', 'ja', 'kru']
  const word = (): string => Array.from({ length: dice.between(2, 4) }, () => dice.pick(syllables)).join('')
  return Array.from({ length: count }, word).join(' ')
}
