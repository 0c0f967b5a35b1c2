import { z } from 'zod'

// What crosses the line at `POST /mcp`, for who reads the OpenAPI document: the frame (JSON-RPC 2.0). What is within it, the protocol itself
// tells: `tools/list` has a JSON Schema of each tool.

const versionSchema = z.literal('2.0')
const idSchema = z.union([z.string(), z.int()])
const metaSchema = z.looseObject({ progressToken: idSchema.exactOptional() })
const parametersSchema = z.looseObject({ _meta: metaSchema.exactOptional() })
const errorSchema = z.object({ code: z.int(), message: z.string(), data: z.unknown() }).partial({ data: true })

const requestSchema = z.strictObject({
  jsonrpc: versionSchema,
  id: idSchema,
  method: z.string().meta({ examples: ['initialize', 'ping', 'tools/list', 'tools/call'] }),
  params: parametersSchema.exactOptional(),
})
const notificationSchema = z.strictObject({
  jsonrpc: versionSchema,
  method: z.string().meta({ examples: ['notifications/initialized'] }),
  params: parametersSchema.exactOptional(),
})
const resultSchema = z.strictObject({
  jsonrpc: versionSchema,
  id: idSchema,
  result: z.looseObject({ _meta: metaSchema.exactOptional() }),
})
const failureSchema = z.strictObject({ jsonrpc: versionSchema, id: idSchema.exactOptional(), error: errorSchema })

/** What comes in. Which of them it is, and whether it is one at all, the package of the protocol finds out. */
export const messageSchema: z.ZodType = z.looseObject({}).meta({
  id: 'McpMessage',
  description:
    'A message of JSON-RPC 2.0: a request, or a notification or an answer, to which nothing is said. No batch.',
  anyOf: [requestSchema, notificationSchema, resultSchema, failureSchema].map(inlined),
})

/** What goes out. */
export const answerSchema: z.ZodType = z.union([resultSchema, failureSchema]).meta({
  id: 'McpAnswer',
  description: 'What came of a request, under its id; a tool that fails is a result with `isError`',
})

/** What was no message has no id that could be named. */
export const refusalSchema: z.ZodType = z
  .object({ jsonrpc: versionSchema, id: z.null(), error: errorSchema })
  .meta({ id: 'McpRefusal' })

function inlined(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return json
}
