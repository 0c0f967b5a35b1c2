import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'

import type { About } from './app.ts'
import { type ProblemCode, problemMediaType, problemSchema, statusOfProblem } from './problems.ts'

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transform']>

/** Adds to each operation what it needs of a token, and the problems that it may answer. */
const transform: Transform = (document) => {
  const { schema, route, url } = document
  if (!('response' in schema)) return jsonSchemaTransform(document)
  const { access, remembered } = route.config ?? {}
  const unchanged = remembered === true ? { 304: z.null().meta({ description: 'It is what If-None-Match names' }) } : {}
  const response = { ...problemResponses(route), ...unchanged, ...(schema.response as object) }
  const scope = access === 'operator' ? 'read' : access === 'reader' || access === 'bearer' ? undefined : access
  const security = access === 'open' ? [] : [{ token: scope === undefined ? [] : [scope] }]
  return jsonSchemaTransform({ ...document, url, schema: { ...schema, response, security } })
}

/** One answer for each status, which names the codes. */
function problemResponses(route: RouteOptions): Readonly<Record<string, object>> {
  const byStatus = Map.groupBy(problemsOf(route), (code) => statusOfProblem[code])
  const answers = [...byStatus].map(([status, codes]) => [
    String(status),
    { description: codes.join(', '), content: { [problemMediaType]: { schema: problemSchema } } },
  ])
  return Object.fromEntries(answers) as Record<string, object>
}

/** What a route may answer by what it is, and what it says itself. */
function problemsOf({ method, url, schema, config }: RouteOptions): readonly ProblemCode[] {
  const isOpen = config?.access === 'open'
  const mayHaveBody = ![method].flat().every((name) => name === 'GET' || name === 'HEAD')
  const isOfAccount = url.startsWith('/accounts/:id')
  const names: readonly string[] = url.match(/:\w+/g) ?? []
  return [
    ...new Set<ProblemCode>([
      ...(isOpen ? [] : (['UNAUTHENTICATED', 'UNAUTHORIZED', 'RATE_LIMITED'] as const)),
      ...(isOpen && schema?.querystring === undefined ? [] : (['VALIDATION_ERROR'] as const)),
      ...(names.length > (isOfAccount ? 1 : 0) ? (['NOT_FOUND'] as const) : []),
      ...(mayHaveBody ? (['TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const) : []),
      ...(config?.problems ?? []),
      'WRONG_HOST',
      'STORAGE_ERROR',
      'CLOSED',
    ]),
  ]
}

/**
 * The type provider lists every schema twice, as it comes in (`DraftChangesInput`) and as it goes out. Only what an
 * operation refers to stays, under its plain name where that is free.
 */
function withUsedSchemasOnly<Document extends object>(document: Document): Document {
  const { components, ...rest } = structuredClone(document) as Document & {
    components?: { schemas?: Record<string, unknown> }
  }
  const schemas = components?.schemas ?? {}
  const used = new Set<string>()
  const collect = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (name === undefined || used.has(name)) continue
      used.add(name)
      collect(schemas[name] ?? {})
    }
  }
  collect(rest)
  const plainName = (name: string): string => {
    const plain = name.replace(/Input$/, '')
    return used.has(plain) ? name : plain
  }
  const kept = Object.entries(schemas)
    .filter(([name]) => used.has(name))
    .map(([name, schema]) => [plainName(name), schema] as const)
  const renamed = { ...rest, components: { ...components, schemas: Object.fromEntries(kept) } }
  return JSON.parse(
    JSON.stringify(renamed).replaceAll(
      /"#\/components\/schemas\/([^"]+)"/g,
      (_, name: string) => `"#/components/schemas/${plainName(name)}"`,
    ),
  ) as Document
}

interface Operation {
  readonly requestBody?: {
    required?: boolean
    readonly content: Readonly<Record<string, { readonly schema: { readonly anyOf?: readonly { type?: string }[] } }>>
  }
}

/** A body that may be null may be left out, too, and so may a file that is empty; the swagger plugin says that none may. */
function withOptionalBodies<Document extends object>(document: Document): Document {
  const { paths = {} } = document as { paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>> }
  for (const { requestBody } of Object.values(paths).flatMap((operations) => Object.values(operations))) {
    if (requestBody === undefined) continue
    const schemas = Object.values(requestBody.content).map(({ schema }) => schema)
    requestBody.required = !schemas.some(
      (schema) => Object.keys(schema).length === 0 || schema.anyOf?.some(({ type }) => type === 'null') === true,
    )
  }
  return document
}

/** For the pages below `/docs`: everything comes from here, also what Swagger UI styles by itself. */
const referencePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** OpenAPI 3.1 at `/openapi.json`, made from the schemas that check the requests, and to read at `/docs`. */
export async function describeRoutes(app: FastifyInstance, about: About): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: about.name, version: about.version, description: 'Offline-first drafts over REST.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform,
    transformObject: (document) => withOptionalBodies(withUsedSchemasOnly(jsonSchemaTransformObject(document))),
  })
  app.get('/openapi.json', { config: { access: 'reader' }, schema: { hide: true } }, () => app.swagger())
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: referencePolicy,
    uiConfig: { deepLinking: true, docExpansion: 'none', persistAuthorization: false },
  })
}
