import type { ForeignClient } from '../foreign-client.ts'
import { fairemail } from './fairemail.ts'
import { geary } from './geary.ts'
import { gmailSmtp } from './gmail-smtp.ts'
import { gmailWeb } from './gmail-web.ts'
import { k9 } from './k9.ts'
import { nextcloud } from './nextcloud.ts'
import { outlookDesktop } from './outlook-desktop.ts'
import { outlookService } from './outlook-service.ts'
import { roundcube } from './roundcube.ts'
import { thunderbird } from './thunderbird.ts'

export const foreignClients: readonly ForeignClient[] = [
  thunderbird,
  k9,
  fairemail,
  roundcube,
  nextcloud,
  geary,
  gmailWeb,
  gmailSmtp,
  outlookDesktop,
  outlookService,
]
