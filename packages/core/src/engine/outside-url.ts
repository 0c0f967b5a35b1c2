import { validationError } from '../errors.ts'

const longestUrl = 2_000

/** As it will be asked for: names of hosts are in lower case and ASCII, numbers of addresses are addresses. @throws {EverdraftError} VALIDATION_ERROR */
export function checkedUrl(text: string, allowPrivate: boolean): string {
  if (text.length > longestUrl) throw validationError('url', `must be at most ${longestUrl} characters`)
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw validationError('url', 'must be an https: URL')
  }
  // On the way, whoever can read it could also make it up.
  if (url.protocol === 'http:' && !allowPrivate) {
    throw validationError('url', 'must be an https: URL; http: only with allow_private')
  }
  if (url.username !== '' || url.password !== '') throw validationError('url', 'must not hold a user or a password')
  url.hash = ''
  return url.href
}
