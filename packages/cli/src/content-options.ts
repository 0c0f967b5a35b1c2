import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'

import type { CommandInput, Option } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'

/** What a draft says, as it is typed. */
export const contentOptions: Readonly<Record<string, Option>> = {
  from: { value: 'ADDRESS', help: 'the sender' },
  to: { value: 'ADDRESS', repeatable: true, help: 'a recipient; may be given again' },
  cc: { value: 'ADDRESS', repeatable: true, help: 'likewise' },
  bcc: { value: 'ADDRESS', repeatable: true, help: 'likewise' },
  subject: { value: 'TEXT', help: 'the subject' },
  text: { value: 'TEXT', help: 'the text' },
  'text-file': { value: 'FILE', help: 'the text from a file, - for standard input' },
  'html-file': { value: 'FILE', help: 'the HTML from a file, - for standard input' },
  tag: { value: 'TAG', repeatable: true, help: 'a tag; may be given again' },
}

/** The fields that were given; an empty text empties a field. */
export async function contentOf(input: CommandInput): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {}
  if (input.option('text') !== undefined && input.option('text-file') !== undefined) {
    throw new UsageError('--text and --text-file: only one of them')
  }
  for (const name of ['from', 'subject', 'text']) {
    const value = input.option(name)
    if (value !== undefined) content[name] = value === '' ? null : value
  }
  for (const name of ['to', 'cc', 'bcc']) {
    const values = input.options(name)
    if (values.length > 0) content[name] = values.filter((value) => value !== '')
  }
  const tags = input.options('tag')
  if (tags.length > 0) content['tags'] = tags.filter((tag) => tag !== '')
  for (const [option, field] of [
    ['text-file', 'text'],
    ['html-file', 'html'],
  ] as const) {
    const path = input.option(option)
    if (path !== undefined) content[field] = await readText(path)
  }
  return content
}

async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? await readStream(process.stdin) : await readFile(path, 'utf8')
  } catch (error) {
    throw new CommandFailure(`${path} cannot be read: ${(error as Error).message}`)
  }
}
