import type { paths } from './schema.ts'

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete'

type Operation<Path extends keyof paths, M extends Method> =
  paths[Path] extends Readonly<Record<M, infer Found>> ? Found : never

/** What an operation answers with 2xx. */
type DataOf<Op> = Op extends { readonly responses: infer Answers }
  ? (204 extends keyof Answers ? undefined : never) | ContentOf<Answers[keyof Answers & (200 | 201 | 202)]>
  : never

/** JSON or text; files and streams have functions of their own. */
type ContentOf<Told> = Told extends { readonly content: infer Content }
  ? Content[keyof Content & ('application/json' | `text/plain${string}`)]
  : never

type BodyOption<Op> = Op extends { readonly requestBody: { readonly content: infer Content } }
  ? { readonly body: Content[keyof Content & 'application/json'] }
  : Op extends { readonly requestBody?: { readonly content: infer Content } }
    ? { readonly body?: Content[keyof Content & 'application/json'] }
    : { readonly body?: never }

type ParamsOption<Op> = Op extends { readonly parameters: infer Params }
  ? object extends Params
    ? { readonly params?: Params }
    : { readonly params: Params }
  : { readonly params?: never }

/** The ids, the query and the header fields of the operation in `params`, and its JSON in `body`. */
type CallOptions<Op> = ParamsOption<Op> &
  BodyOption<Op> & {
    readonly signal?: AbortSignal
    /** The request outlives the page. Browsers allow bodies of 64 KiB in all for that (https://fetch.spec.whatwg.org/#request-keepalive-flag). */
    readonly keepalive?: boolean
  }

/** A file goes out by `attach`, and comes by `download`. */
type IsOfJson<Op> = [DataOf<Op>] extends [never]
  ? false
  : Op extends { readonly requestBody: { readonly content: infer Content } }
    ? 'application/json' extends keyof Content
      ? true
      : false
    : true

type PathsWith<M extends Method> = {
  [Path in keyof paths]: paths[Path] extends Readonly<Record<M, infer Op>>
    ? IsOfJson<Op> extends true
      ? Path
      : never
    : never
}[keyof paths]

export interface Answer<Data> {
  readonly data: Data
  readonly response: Response
}

/**
 * Calls an operation, named by its path in the OpenAPI document.
 * @throws {ProblemError | ConnectionError}
 */
export type Call<M extends Method> = <Path extends PathsWith<M>>(
  path: Path,
  ...options: object extends CallOptions<Operation<Path, M>>
    ? [options?: CallOptions<Operation<Path, M>>]
    : [options: CallOptions<Operation<Path, M>>]
) => Promise<Answer<DataOf<Operation<Path, M>>>>
