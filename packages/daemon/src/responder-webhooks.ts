import {
  type Address,
  type EarlierMail,
  ResponderError,
  type ResponderErrorCode,
  type ResponderPort,
  type ResponderRequest,
  type WebhookFailure,
} from '@everdraft/core'

import { timeToJson } from './fields.ts'
import { askWebhook, type ResolveHost, resolveHost, type WebhookReply } from './webhook-request.ts'
import { signedHeaders } from './webhook-signature.ts'

/** What a responder is asked, as it is posted. */
export interface ResponderRequestJson {
  readonly account_id: string
  readonly message: {
    readonly message_id: string | null
    readonly from: AddressJson | null
    readonly to: readonly AddressJson[]
    readonly cc: readonly AddressJson[]
    readonly subject: string
    readonly date: string | null
    readonly text: string
    readonly html: string | null
    readonly in_reply_to: string | null
    readonly references: readonly string[]
  }
  /** The oldest first. */
  readonly conversation: readonly {
    readonly kind: EarlierMail['kind']
    readonly message_id: string | null
    readonly subject: string
    readonly text: string
    readonly at: string
  }[]
}

interface AddressJson {
  readonly address: string
  readonly name: string
}

/** An answer may hold text and HTML of a megabyte of characters each. */
const longestAnswerBytes = 16 * 1024 * 1024

/** Asks responders at their URLs, signed as events are, by the same rules: public addresses, and no redirect is followed. */
export function responderWebhooks({
  version,
  resolve = resolveHost,
}: {
  /** What `User-Agent` says of the program. */
  readonly version: string
  /** Default: the system's resolver. */
  readonly resolve?: ResolveHost
}): ResponderPort {
  return {
    async ask({ target, request, secret, deliveryId }, { signal, timeoutMs }) {
      const body = JSON.stringify(requestToJson(request))
      const reply = await askWebhook({
        url: target.url,
        body,
        headers: {
          ...signedHeaders(body, {
            version,
            event: 'responder',
            delivery: deliveryId,
            secrets: [secret],
            at: Date.now(),
          }),
          accept: 'application/json',
        },
        allowPrivate: target.allowPrivate,
        resolve,
        timeoutMs,
        longestBytes: longestAnswerBytes,
        signal,
      })
      return answerOf(reply)
    },
  }
}

/** @throws {ResponderError} */
function answerOf({ status, error, body }: WebhookReply): unknown {
  if (error !== null) {
    // RFC 6585 §4 and RFC 9110 §15.6.4: it will have time again.
    const isBusy = status === 429 || status === 503
    throw new ResponderError(isBusy ? 'BUSY' : codes[error], status === null ? said[error] : `it answered ${status}`)
  }
  if (status === 204) return null
  if (body === null) throw new ResponderError('NONSENSE', 'the answer is too long')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
  } catch {
    throw new ResponderError('NONSENSE', 'the answer is not JSON')
  }
}

const codes = {
  REFUSED: 'REFUSED',
  REDIRECT: 'REDIRECT',
  FORBIDDEN_ADDRESS: 'FORBIDDEN_ADDRESS',
  UNREACHABLE: 'UNREACHABLE',
  CERTIFICATE: 'CERTIFICATE',
  TIMEOUT: 'TIMEOUT',
  SECRETS_LOCKED: 'SECRETS_LOCKED',
} satisfies Record<WebhookFailure, ResponderErrorCode>

const said = {
  REFUSED: 'it refused',
  REDIRECT: 'it wants to be asked elsewhere',
  FORBIDDEN_ADDRESS: 'its address is not a public one',
  UNREACHABLE: 'it cannot be reached',
  CERTIFICATE: 'its certificate is not trusted',
  TIMEOUT: 'there was no answer in time',
  SECRETS_LOCKED: 'there is no key to open its secret with',
} satisfies Record<WebhookFailure, string>

function requestToJson({ accountId, message, conversation }: ResponderRequest): ResponderRequestJson {
  return {
    account_id: accountId,
    message: {
      message_id: message.messageId,
      from: message.from === null ? null : addressToJson(message.from),
      to: message.to.map(addressToJson),
      cc: message.cc.map(addressToJson),
      subject: message.subject,
      date: message.date === null ? null : timeToJson(message.date),
      text: message.text,
      html: message.html,
      in_reply_to: message.inReplyTo,
      references: message.references,
    },
    conversation: conversation.map(({ kind, messageId, subject, text, at }) => ({
      kind,
      message_id: messageId,
      subject,
      text,
      at: timeToJson(at),
    })),
  }
}

function addressToJson({ address, name }: Address): AddressJson {
  return { address, name }
}
