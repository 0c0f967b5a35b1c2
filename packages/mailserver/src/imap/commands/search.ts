import { no, ok, viewOf, type Call, type Reply } from '../context.ts'
import { UnknownCharset, readSearchProgram } from '../search-program.ts'
import { matchesSearch } from '../search-match.ts'

/** RFC 3501 §6.4.4. */
export function search({ context, args, uid }: Call): Reply {
  const view = viewOf(context)
  const program = readSearchProgram(args)
  args.end()
  if (program === UnknownCharset) return no('Unknown charset', 'BADCHARSET (US-ASCII UTF-8)')
  const matches = matchesSearch(program, view)
  const found = view.entries().flatMap((entry, index) => {
    if (!matches(entry, index + 1)) return []
    return [uid ? entry.uid : index + 1]
  })
  context.untagged(['SEARCH', ...found].join(' '))
  return ok('Search completed')
}
