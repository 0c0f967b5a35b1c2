import type { Scope } from '@everdraft/core'
import { z } from 'zod'

import type { Route } from '../route-access.ts'
import { validationErrorOf } from '../validation.ts'
import type { ToolPlan } from './tools.ts'

/** A request to the route that a tool stands for. */
export interface ToolRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload?: Readonly<Record<string, unknown>>
}

export interface Tool {
  readonly plan: ToolPlan
  readonly scope: Scope
  /** JSON Schema of what it takes. */
  readonly inputSchema: Readonly<Record<string, unknown>>
  /** @throws {EverdraftError} VALIDATION_ERROR, by the names that the tool has for its arguments */
  requestOf(input: unknown): ToolRequest
}

type Shape = Readonly<Record<string, z.ZodType>>

interface Argument {
  readonly schema: z.ZodType
  /** Where in the request it goes. */
  put(draft: RequestDraft, value: unknown): void
}

/** A request on its way. */
interface RequestDraft {
  path: string
  readonly query: URLSearchParams
  readonly headers: Record<string, string>
  readonly body: Record<string, unknown>
}

const scopes: ReadonlySet<string> = new Set<Scope>(['read', 'write', 'send', 'approve', 'admin'])

/** @throws {TypeError} where there is no such route: the daemon does not start */
export function createTool(plan: ToolPlan, routes: readonly Route[]): Tool {
  const route = routes.find(({ method, path }) => `${method} ${path}` === plan.route)
  if (route === undefined) throw new TypeError(`${plan.name}: there is no route ${plan.route}`)
  if (!scopes.has(route.access)) throw new TypeError(`${plan.name}: ${plan.route} needs no scope`)
  const toolArguments = argumentsOf(plan, route)
  const schema = z.strictObject(
    Object.fromEntries([...toolArguments].map(([name, argument]) => [name, argument.schema])),
  )
  return {
    plan,
    scope: route.access as Scope,
    inputSchema: jsonSchemaOf(schema),
    requestOf(input) {
      const result = schema.safeParse(input, { reportInput: true })
      if (!result.success) throw validationErrorOf(result.error)
      const draft: RequestDraft = {
        path: route.path,
        query: new URLSearchParams(),
        headers: {},
        body: { ...plan.body },
      }
      // As it came: the route reads it by the same schemas.
      for (const [name, value] of Object.entries(input as object)) toolArguments.get(name)?.put(draft, value)
      const query = draft.query.size === 0 ? '' : `?${draft.query.toString()}`
      const hasBody = route.schema?.body !== undefined
      return {
        method: route.method as ToolRequest['method'],
        url: `${draft.path}${query}`,
        headers: draft.headers,
        ...(hasBody ? { payload: draft.body } : {}),
      }
    },
  }
}

function argumentsOf(plan: ToolPlan, { schema = {} }: Route): ReadonlyMap<string, Argument> {
  const found = new Map<string, Argument>()
  for (const [name, one] of Object.entries(shapeOf(schema.params))) {
    found.set(plan.names?.[name] ?? name, {
      schema: one,
      put: (draft, value) => (draft.path = withId(draft.path, name, String(value))),
    })
  }
  for (const [name, one] of Object.entries({ ...shapeOf(schema.querystring), ...plan.query })) {
    found.set(name, { schema: one, put: ({ query }, value) => query.set(name, String(value)) })
  }
  // What is always said is all that is said.
  for (const [name, one] of plan.body === undefined ? Object.entries(shapeOf(schema.body)) : []) {
    found.set(name, { schema: one, put: ({ body }, value) => (body[name] = value) })
  }
  for (const [name, { header, schema: one, toText }] of Object.entries(plan.headers ?? {})) {
    found.set(name, { schema: one, put: ({ headers }, value) => (headers[header] = toText(value)) })
  }
  for (const name of plan.without ?? []) found.delete(name)
  return found
}

function withId(path: string, name: string, id: string): string {
  return path
    .split('/')
    .map((part) => (part === `:${name}` ? encodeURIComponent(id) : part))
    .join('/')
}

/** Of an object, which may be left out or be null. */
function shapeOf(schema: unknown): Shape {
  if (schema === undefined) return {}
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return shapeOf(schema.unwrap())
  if (schema instanceof z.ZodObject) return schema.shape
  throw new TypeError('what a tool stands for takes an object')
}

function jsonSchemaOf(schema: z.ZodType): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    // Without the names of the OpenAPI document: models read one schema, not references.
    metadata: z.registry<Record<string, unknown>>(),
    override: ({ zodSchema, jsonSchema }) => {
      const { description } = z.globalRegistry.get(zodSchema) ?? {}
      if (description !== undefined) jsonSchema.description = description
    },
  })
}
