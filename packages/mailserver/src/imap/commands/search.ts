import { no, ok, viewOf, type Call, type Reply } from '../context.ts'
import { UnknownCharset, readSearchProgram, testsModseq, type SearchResult } from '../search-program.ts'
import { matchesSearch } from '../search-match.ts'
import { formatSequence } from '../sequence-set.ts'

type Found = { readonly number: number; readonly modseq: number }

const highestModseq = (found: readonly Found[]): number => Math.max(...found.map(({ modseq }) => modseq))

/** RFC 4731 §3.1; the modseq is that of the messages that are told of (RFC 7162 §3.1.10). */
function extendedResult(found: readonly Found[], wanted: ReadonlySet<SearchResult>, withModseq: boolean): string {
  const words: string[] = []
  const first = found[0]
  const last = found.at(-1)
  if (first !== undefined && last !== undefined) {
    if (wanted.has('MIN')) words.push(`MIN ${first.number}`)
    if (wanted.has('MAX')) words.push(`MAX ${last.number}`)
    if (wanted.has('ALL')) words.push(`ALL ${formatSequence(found.map(({ number }) => number))}`)
  }
  if (wanted.has('COUNT')) words.push(`COUNT ${found.length}`)
  if (withModseq && first !== undefined && last !== undefined) {
    const all = wanted.has('ALL') || wanted.has('COUNT')
    const ends = [...(wanted.has('MIN') ? [first] : []), ...(wanted.has('MAX') ? [last] : [])]
    words.push(`MODSEQ ${highestModseq(all ? found : ends)}`)
  }
  return words.map((word) => ` ${word}`).join('')
}

/** RFC 3501 §6.4.4. */
export function search({ context, args, uid, tag }: Call): Reply {
  const view = viewOf(context)
  const program = readSearchProgram(args, context.capabilities)
  args.end()
  if (program === UnknownCharset) return no('Unknown charset', 'BADCHARSET (US-ASCII UTF-8)')
  const { key, results } = program
  const withModseq = testsModseq(key)
  if (withModseq) context.useCondstore()
  const matches = matchesSearch(key, view)
  const found = view.entries().flatMap((entry, index): readonly Found[] => {
    if (!matches(entry, index + 1)) return []
    return [{ number: uid ? entry.uid : index + 1, modseq: entry.message.modseq }]
  })
  if (results === undefined) {
    const modseq = withModseq && found.length > 0 ? [`(MODSEQ ${highestModseq(found)})`] : []
    context.untagged(['SEARCH', ...found.map(({ number }) => number), ...modseq].join(' '))
  } else {
    context.untagged(`ESEARCH (TAG "${tag}")${uid ? ' UID' : ''}${extendedResult(found, results, withModseq)}`)
  }
  return ok('Search completed')
}
