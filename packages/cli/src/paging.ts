import type { PageJson } from '@everdraft/daemon'

import type { Client } from './client.ts'
import { wholeNumber, type CommandInput, type Option } from './command.ts'
import { printJson, printLine, table } from './output.ts'

export const listOptions: Readonly<Record<string, Option>> = {
  limit: { value: 'N', help: 'at most so many, 1 to 500 (default 50)' },
  offset: { value: 'N', help: 'leave out so many at the beginning' },
  json: { help: 'JSON, as REST answers it' },
}

interface Source {
  readonly path: string
  /** More of the query; undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>
  /** Said instead of an empty table. */
  readonly none: string
}

export interface Listing<Item> extends Source {
  readonly headings: readonly string[]
  row(item: Item): readonly string[]
}

export interface Sheets<Item> extends Source {
  /** What has no place in one line. */
  sheet(item: Item): readonly string[]
}

export interface ListRequest {
  readonly query: URLSearchParams
  readonly isJson: boolean
}

/** @throws {UsageError} before anything is asked of a daemon */
export function listRequest(input: CommandInput): ListRequest {
  const query = new URLSearchParams()
  const limit = input.option('limit')
  const offset = input.option('offset')
  if (limit !== undefined) query.set('limit', String(wholeNumber('limit', limit, 1, 500)))
  if (offset !== undefined) query.set('offset', String(wholeNumber('offset', offset, 0, 999_999_999)))
  return { query, isJson: input.isOn('json') }
}

export async function printList<Item>(client: Client, request: ListRequest, listing: Listing<Item>): Promise<void> {
  await printPage<Item>(client, request, listing, ({ items }) =>
    table(
      listing.headings,
      items.map((item) => listing.row(item)),
    ),
  )
}

/** A block of lines for each item. */
export async function printSheets<Item>(client: Client, request: ListRequest, sheets: Sheets<Item>): Promise<void> {
  await printPage<Item>(client, request, sheets, ({ items }) =>
    items.map((item) => sheets.sheet(item).join('\n')).join('\n\n'),
  )
}

async function printPage<Item>(
  client: Client,
  request: ListRequest,
  source: Source,
  format: (page: PageJson<Item>) => string,
): Promise<void> {
  const query = new URLSearchParams(request.query)
  for (const [name, value] of Object.entries(source.query ?? {})) if (value !== undefined) query.set(name, value)
  const page = await client.request<PageJson<Item>>('GET', `${source.path}?${query.toString()}`)
  if (request.isJson) return printJson(page)
  if (page.total === 0) return printLine(source.none)
  printLine(format(page))
  if (page.items.length < page.total) {
    printLine(`\n${page.items.length} of ${page.total}, from ${page.offset}; --limit and --offset show more`)
  }
}

/** Everything of a list, page by page. */
export async function everyItem<Item>(client: Client, path: string): Promise<readonly Item[]> {
  const items: Item[] = []
  while (true) {
    const page = await client.request<PageJson<Item>>('GET', `${path}?limit=500&offset=${items.length}`)
    items.push(...page.items)
    if (page.items.length === 0 || items.length >= page.total) return items
  }
}
