// Answers who asks when the shop is open; a person looks at each draft, and sends it.
//
//   everdraft serve --responders examples/responders
//   curl -X PUT "$URL/accounts/$ACCOUNT/responder" -H "$AUTH" -H 'Content-Type: application/json' -d '{"module": "opening-hours"}'

const hours = 'We are open from Monday to Friday, 9:00 to 17:00.'

/** @type {import('@everdraft/core').Responder} */
export function respond({ message, conversation }) {
  const asks = /\b(?:open|opening hours|closed)\b/i.test(`${message.subject}\n${message.text}`)
  // Who writes again is not helped by the same words again.
  if (!asks || conversation.length > 0) return null
  const name = message.from?.name.split(' ')[0] || 'you'
  return {
    text: `Hello ${name},\n\n${hours}\n\nKind regards\n`,
    scenario: 'opening-hours',
    metadata: { asked: message.subject },
  }
}
