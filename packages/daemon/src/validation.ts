import { EverdraftError, type FieldError } from '@everdraft/core'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'
import { z } from 'zod'

/** The zod schemas of the routes check what comes in; what they refuse leaves as our VALIDATION_ERROR. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema }) => {
  return (data: unknown) => {
    const result = schema.safeParse(data, { reportInput: true })
    return result.success ? { value: result.data } : { error: validationErrorOf(result.error) }
  }
}

/** A route that names no query takes none, and one that names no body at most an empty one. */
export function refuseWhatIsNotNamed(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { access } = route.config ?? {}
    if (access === undefined || access === 'open' || access === 'reader') return
    route.schema = { querystring: z.strictObject({}), ...route.schema }
  })
  app.addHook('preValidation', async ({ body, routeOptions }) => {
    if (body === undefined || body === null || routeOptions.schema?.body !== undefined) return
    const result = z.strictObject({}).safeParse(body, { reportInput: true })
    if (!result.success) throw validationErrorOf(result.error)
  })
}

export function validationErrorOf(error: z.ZodError): EverdraftError {
  const errors = error.issues.flatMap((issue) => fieldErrors(issue, []))
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return new EverdraftError('VALIDATION_ERROR', detail, { errors })
}

type Issue = z.core.$ZodIssue

function fieldErrors(issue: Issue, parents: readonly PropertyKey[]): readonly FieldError[] {
  const path = [...parents, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathText([...path, key]), message: 'unknown field' }))
  }
  if (issue.code === 'invalid_union') {
    // The branch that was meant is the one that found its fault deeper than at its root.
    const meant = issue.errors.find((branch) => branch.every((inner) => !isAtRoot(inner)))
    if (meant !== undefined) return meant.flatMap((inner) => fieldErrors(inner, path))
  }
  return [{ path: pathText(path), message: messageOf(issue) }]
}

/** What was sent stays out of the message: it may be a password. */
function messageOf(issue: Issue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined && issue.message.startsWith('Invalid input')) {
    return 'is required'
  }
  return issue.message.replace(/^Invalid (?:input|option): /, '')
}

function isAtRoot(issue: Issue): boolean {
  return issue.path.length === 0 && issue.code !== 'unrecognized_keys'
}

/** `to[0].address`. */
function pathText(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${String(part)}`
  return text === '' ? 'body' : text
}
