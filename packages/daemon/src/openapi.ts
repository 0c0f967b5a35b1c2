import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'

import type { About } from './app.ts'
import { problemMediaType, problemSchema } from './problems.ts'

// Every operation may answer with a problem document; said once, here.
const transform: typeof jsonSchemaTransform = (document) => {
  const { schema } = document
  if (!('response' in schema)) return jsonSchemaTransform(document)
  const problem = { description: 'Problem', content: { [problemMediaType]: { schema: problemSchema } } }
  const response = { ...(schema.response as object), default: problem }
  return jsonSchemaTransform({ ...document, schema: { ...schema, response } })
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

/** OpenAPI 3.1 at `/openapi.json`, made from the schemas that check the requests. */
export async function describeRoutes(app: FastifyInstance, about: About): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: about.name, version: about.version, description: 'Offline-first drafts over REST.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform,
    transformObject: (document) => withUsedSchemasOnly(jsonSchemaTransformObject(document)),
  })
  app.get('/openapi.json', { config: { access: 'token' }, schema: { hide: true } }, () => app.swagger())
}
