export { createMailServer } from './tcp/mail-server.ts'
export type { ListenOptions, MailServer, MailServerOptions } from './tcp/mail-server.ts'
