// The public door of the package.
export { autodiscovery, type AutodiscoveryOptions } from './autodiscovery/autodiscovery.ts'
export { imap } from './imap/imap.ts'
export { refreshTokens } from './oauth2/refresh-tokens.ts'
export { mimeFormat } from './mime/mime-format.ts'
export { smtp } from './smtp/smtp.ts'
export { bounceReader } from './bounce/bounce.ts'
