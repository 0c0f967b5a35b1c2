import {
  type AccountId,
  draftManagerActions,
  draftManagerErrorOf,
  draftManagerErrors,
  type DraftManagerErrorCode,
  type DraftManagerFailure,
  type DraftManagerRequest,
  validationError,
} from '@everdraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { answerSchemas, answerToJson, requestSchema } from '../draft-manager-envelope.ts'
import { accountPathSchema } from '../fields.ts'
import { askDraftManager, ownAccount } from '../ownership.ts'
import { principalOf } from '../principal.ts'
import { type Problem, ProblemError, sendFailure } from '../problems.ts'

const headersSchema = z.object({ 'everdraft-author': z.enum(['user', 'program']).default('user') })

export function draftManagerRoutes(app: App, { engine, closing }: Context): void {
  app.setErrorHandler(async (error, request, reply) => {
    return await sendFailure(error, request, reply, (document) => ({
      type: 'application/json; charset=utf-8',
      body: envelopeOf(document, reply),
    }))
  })

  app.post(
    '/accounts/:id/draft-manager',
    {
      config: { access: 'bearer' },
      schema: {
        summary: 'The seven actions of the draft manager; it always answers its envelope',
        description: `Actions: ${describeActions()}. Names are camelCase, times are epoch milliseconds. A token needs the scope of the action.`,
        params: accountPathSchema,
        headers: headersSchema,
        body: requestSchema,
        response: answerSchemas,
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { body } = request
      const { scope } = draftManagerActions[body.action]
      if (!principalOf(request).scopes.has(scope)) {
        throw new ProblemError(403, 'UNAUTHORIZED', `the token lacks the scope ${scope}`)
      }
      if (body.accountId !== undefined && body.accountId !== id) await refuseOther(request, body.accountId)
      const asked: DraftManagerRequest = { ...body, accountId: id }
      const answer = await askDraftManager(engine, request, asked, {
        by: request.headers['everdraft-author'],
        signal: closing,
      })
      const status = answer.status === 'success' ? 200 : draftManagerErrors[answer.errorCode].httpStatus
      return reply.code(status).send(answerToJson(answer))
    },
  )

  /** Two accounts in one request: the one that is not one's own is refused first. */
  async function refuseOther(request: FastifyRequest, id: AccountId): Promise<never> {
    await ownAccount(engine, request, id)
    throw validationError('accountId', 'must be the account of the path')
  }
}

function describeActions(): string {
  return Object.entries(draftManagerActions)
    .map(([action, { scope }]) => `\`${action}\` (${scope})`)
    .join(', ')
}

function envelopeOf({ status, code, detail, errors }: Problem, reply: FastifyReply): DraftManagerFailure {
  return {
    status: 'error',
    error: status === 403 ? 'Unauthorized' : detail,
    errorCode: errorCodeOf(code, status),
    ...(errors === undefined ? {} : { errors }),
    timestamp: Date.now(),
    duration: Math.round(reply.elapsedTime),
  }
}

/** What the engine does not know, the route or the framework has refused. */
function errorCodeOf(code: string, status: number): DraftManagerErrorCode {
  const ofTheEngine: Readonly<Partial<Record<string, DraftManagerErrorCode>>> = draftManagerErrorOf
  const known = ofTheEngine[code]
  if (known !== undefined) return known
  if (status === 401) return 'UNAUTHORIZED'
  return status === 415 ? 'VALIDATION_ERROR' : 'DRAFT_MANAGER_ERROR'
}
