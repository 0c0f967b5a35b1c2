import { hash } from 'node:crypto'

import type { Engine } from '@everdraft/core'
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler, onSendHookHandler } from 'fastify'

import { ownerKey } from './ownership.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The answer follows from what is stored, whose it is and the URL alone, so that it is given again until something is
     * written, whatever that is. With `ETag`, and 304 to `If-None-Match`, also where the store cannot say whether something was.
     */
    remembered?: true
  }
}

interface Answer {
  readonly bytes: Buffer
  readonly contentType: string
  readonly etag: string
}

/** All of them together. */
const mostBytes = 32 * 1024 * 1024

/** Gives the answers of routes that say `remembered` again as long as they are right. */
export function rememberAnswers(app: FastifyInstance, engine: Engine): void {
  let mark: number | null = null
  let bytes = 0
  const answers = new Map<string, Answer>()
  /** Of the requests that are being answered: under which mark and key. Without a mark the answer is not kept. */
  const asked = new WeakMap<FastifyRequest, { readonly mark: number | null; readonly key: string }>()

  function forgetOld(): void {
    const now = engine.changeMark()
    if (now === mark) return
    mark = now
    answers.clear()
    bytes = 0
  }

  function give(request: FastifyRequest, reply: FastifyReply): FastifyReply | null {
    forgetOld()
    const key = `${ownerKey(request)} ${request.url}`
    const known = answers.get(key)
    if (known === undefined) {
      asked.set(request, { mark, key })
      return null
    }
    reply.header('etag', known.etag)
    if (namesTag(request.headers['if-none-match'], known.etag)) return reply.code(304).send()
    return reply.type(known.contentType).send(known.bytes)
  }

  /** @returns what is sent of it */
  function keep(request: FastifyRequest, reply: FastifyReply, text: string): Buffer | null {
    const answer: Answer = {
      bytes: Buffer.from(text),
      contentType: String(reply.getHeader('content-type')),
      etag: `"${hash('sha256', text, 'base64url').slice(0, 22)}"`,
    }
    const miss = asked.get(request)
    forgetOld()
    // What was written meanwhile may be in it or not.
    if (miss !== undefined && mark !== null && miss.mark === mark && bytes + answer.bytes.length <= mostBytes) {
      bytes += answer.bytes.length
      answers.set(miss.key, answer)
    }
    reply.header('etag', answer.etag)
    if (!namesTag(request.headers['if-none-match'], answer.etag)) return answer.bytes
    reply.code(304).removeHeader('content-type')
    return null
  }

  const onRequest: onRequestHookHandler = (request, reply, done) => {
    if (give(request, reply) === null) done()
  }
  const onSend: onSendHookHandler = (request, reply, payload, done) => {
    // Not one that was remembered, and no problem.
    const isNew = typeof payload === 'string' && reply.statusCode === 200 && asked.has(request)
    done(null, isNew ? keep(request, reply, payload) : payload)
  }
  app.addHook('onRoute', (route) => {
    if (route.config?.remembered !== true || route.method !== 'GET') return
    // Last: who asks was let in, and counted.
    route.onRequest = [...[route.onRequest ?? []].flat(), onRequest]
    route.onSend = [...[route.onSend ?? []].flat(), onSend]
  })
}

/** By the weak comparison (RFC 9110 §13.1.2). */
function namesTag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((tag) => {
    const named = tag.trim().replace(/^W\//, '')
    return named === '*' || named === etag
  })
}
