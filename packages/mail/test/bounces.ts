import type { Bounce, MessageId } from '@everdraft/core'

// Written for these tests in the shapes that mail systems have; every name and address is an example.

const messageId = '<0123456789ab.00112233445566778899aabbccddeeff@example.org>' as MessageId
const token = '00112233445566778899aabbccddeeff'
const umid = '01890000-0000-7000-8000-000000000001'

const returned = `From: Ann Example <ann@example.org>
To: bob@example.com
Subject: Offer
Message-ID: ${messageId}
Date: Tue, 03 Feb 2026 10:00:00 +0000
`

interface Sample {
  readonly mail: string
  readonly expected: Bounce
}

function report(
  fields: string,
  status: string,
  original = `Content-Type: message/rfc822\n\n${returned}\nHello\n`,
): string {
  return `Return-Path: <>
From: MAILER-DAEMON@mx.example.com (Mail Delivery System)
To: ann@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="cut"
${fields}

This is a MIME-encapsulated message.

--cut
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.com.

--cut
Content-Type: message/delivery-status

${status}
--cut
${original}
--cut--
`
}

function words(header: string, text: string): string {
  return `${header}
To: ann@example.org
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

${text}`
}

export const bounces: Readonly<Record<string, Sample>> = {
  'Postfix, with ENVID': {
    mail: report(
      'Subject: Undelivered Mail Returned to Sender',
      `Reporting-MTA: dns; mx.example.com
Original-Envelope-Id: send+2B01890000
X-Postfix-Queue-ID: 4ABC
Arrival-Date: Tue,  3 Feb 2026 10:00:01 +0000 (UTC)

Final-Recipient: rfc822; robert@inside.example.com
Original-Recipient: rfc822;bob+2Btag@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; inside.example.com
Diagnostic-Code: smtp; 550 5.1.1 <robert@inside.example.com>: Recipient address
    rejected: User unknown
`,
    ),
    expected: {
      kind: 'report',
      envid: 'send+01890000',
      messageId,
      token,
      recipients: [
        {
          address: 'bob+tag@example.com',
          action: 'failed',
          status: '5.1.1',
          diagnostic: '550 5.1.1 <robert@inside.example.com>: Recipient address rejected: User unknown',
        },
      ],
    },
  },
  'Postfix, delayed, with the header only': {
    mail: report(
      'Subject: Delayed Mail (still being retried)',
      `Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; bob@example.com
Action: delayed
Status: 4.4.1
Will-Retry-Until: Sun,  8 Feb 2026 10:00:00 +0000 (UTC)
`,
      `Content-Type: text/rfc822-headers\n\n${returned}X-Everdraft-Id: ${umid}\n`,
    ),
    expected: {
      kind: 'report',
      envid: null,
      messageId,
      token: umid,
      recipients: [{ address: 'bob@example.com', action: 'delayed', status: '4.4.1', diagnostic: null }],
    },
  },
  'several recipients, each with another fate': {
    mail: report(
      'Subject: Delivery Status Notification',
      `Reporting-MTA: dns;mx.example.com

Final-Recipient: RFC822; bob@example.com
Action: Relayed (to mailing list)
Status: 2.6.0

Final-Recipient: rfc822;<carla@example.com>
Action: failed
Status: 5.2.2 (mailbox full)
Diagnostic-Code: X-Unix; 75

Final-Recipient: rfc822; dan@example.com
Action: expanded
Status: 2.0.0
`,
    ),
    expected: {
      kind: 'report',
      envid: null,
      messageId,
      token,
      recipients: [
        { address: 'bob@example.com', action: 'relayed', status: '2.6.0', diagnostic: null },
        { address: 'carla@example.com', action: 'failed', status: '5.2.2', diagnostic: '75' },
        { address: 'dan@example.com', action: 'expanded', status: '2.0.0', diagnostic: null },
      ],
    },
  },
  'RFC 6533, an international one': {
    mail: report(
      'Subject: Undelivered',
      `Reporting-MTA: dns; mx.example.com

Original-Recipient: utf-8; j\\x{F6}rg@example.com
Final-Recipient: utf-8; jörg@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 gibt es nicht: jörg
`,
      `Content-Type: message/global-headers\n\n${returned}`,
    ).replace('message/delivery-status', 'message/global-delivery-status'),
    expected: {
      kind: 'report',
      envid: null,
      messageId,
      token,
      recipients: [
        {
          address: 'jörg@example.com',
          action: 'failed',
          status: '5.1.1',
          diagnostic: '550 5.1.1 gibt es nicht: jörg',
        },
      ],
    },
  },
  qmail: {
    mail: words(
      'Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.com\nSubject: failure notice',
      `Hi. This is the qmail-send program at mx.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<bob@example.com>:
192.0.2.25 does not like recipient.
Remote host said: 550 5.7.1 No such user here

<carla@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <ann@example.org>
${returned}
Hello
`,
    ),
    expected: {
      kind: 'text',
      envid: null,
      messageId,
      token,
      recipients: [
        {
          address: 'bob@example.com',
          action: 'failed',
          status: '5.7.1',
          diagnostic: '192.0.2.25 does not like recipient. Remote host said: 550 5.7.1 No such user here',
        },
        {
          address: 'carla@example.com',
          action: 'failed',
          status: '5.1.1',
          diagnostic: 'Sorry, no mailbox here by that name. (#5.1.1)',
        },
      ],
    },
  },
  Exim: {
    mail: words(
      'Return-Path: <>\nFrom: Mail Delivery System <Mailer-Daemon@mx.example.com>\nX-Failed-Recipients: bob@example.com\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender',
      `This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  bob@example.com
    host mx2.example.com [192.0.2.3]
    SMTP error from remote mail server after RCPT TO:<bob@example.com>:
    550 5.1.1 Unknown user

------ This is a copy of the message, including all the headers. ------

${returned}
Hello
`,
    ),
    expected: {
      kind: 'text',
      envid: null,
      messageId,
      token,
      recipients: [
        {
          address: 'bob@example.com',
          action: 'failed',
          status: '5.1.1',
          diagnostic:
            'host mx2.example.com [192.0.2.3] SMTP error from remote mail server after RCPT TO:<bob@example.com>: 550 5.1.1 Unknown user',
        },
      ],
    },
  },
  'Gmail, without its report': {
    mail: words(
      'Return-Path: <>\nFrom: Mail Delivery Subsystem <mailer-daemon@mail.example.net>\nSubject: Delivery Status Notification (Failure)',
      `** Address not found **

Your message wasn't delivered to bob@example.com because the address couldn't be found, or is unable to receive mail.

The response was:

550 5.1.1 The email account that you tried to reach does not exist.
`,
    ),
    expected: {
      kind: 'text',
      envid: null,
      messageId: null,
      token: null,
      recipients: [
        {
          address: 'bob@example.com',
          action: 'failed',
          status: '5.1.1',
          diagnostic:
            "because the address couldn't be found, or is unable to receive mail. The response was: 550 5.1.1 The email account that you tried to reach does not exist.",
        },
      ],
    },
  },
  'Exchange, without a report': {
    mail: `Return-Path: <>
From: Microsoft Outlook <MicrosoftExchange329e71ec@example.com>
To: ann@example.org
Subject: Undeliverable: Offer
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="cut"

--cut
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:

Bob Example (bob@example.com)<mailto:bob@example.com>
The email address you entered couldn=E2=80=99t be found.

Diagnostic information for administrators:

550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found

--cut
Content-Type: message/rfc822

${returned}
Hello
--cut--
`,
    expected: {
      kind: 'text',
      envid: null,
      messageId,
      token,
      recipients: [
        {
          address: 'bob@example.com',
          action: 'failed',
          status: '5.1.10',
          diagnostic:
            'The email address you entered couldn’t be found. Diagnostic information for administrators: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found',
        },
      ],
    },
  },
  'a full mailbox, in a sentence': {
    mail: words(
      'Return-Path: <>\nFrom: postmaster@mx.example.com\nSubject: Undeliverable mail',
      'Sorry,\n\nThe mailbox is full: bob@example.com (quota exceeded)\n\n> Message-ID: ' + messageId + '\n',
    ),
    expected: {
      kind: 'text',
      envid: null,
      messageId,
      token,
      recipients: [
        {
          address: 'bob@example.com',
          action: 'failed',
          status: null,
          diagnostic: 'The mailbox is full: bob@example.com (quota exceeded)',
        },
      ],
    },
  },
}

export const noBounces: Readonly<Record<string, string>> = {
  'out of office': words(
    'Return-Path: <>\nFrom: Bob Example <bob@example.com>\nAuto-Submitted: auto-replied (vacation)\nSubject: Out of office: Offer',
    'I am away.\n\nThis is the mail system at host x.\n\n<bob@example.com>: away\n',
  ),
  'a person who writes of a full mailbox': words(
    'From: Bob Example <bob@example.com>\nSubject: Re: Offer',
    'Your last mail came back: the mailbox is full, user unknown, whatever.\n',
  ),
  'a person who passes on what Exchange wrote': words(
    'Return-Path: <bob@example.com>\nFrom: Bob Example <bob@example.com>\nSubject: What is this?',
    'Delivery has failed to these recipients or groups:\n\nbob@example.com\nnot found\n',
  ),
  'an answer of a program without RFC 3834': words(
    'Return-Path: <>\nFrom: bob@example.com\nX-Autoreply: yes\nSubject: Away',
    'Delivery has failed to these recipients or groups:\n\nbob@example.com\n\nNo, I am only away.\n',
  ),
  'a read receipt': `From: bob@example.com
Subject: Read: Offer
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="cut"

--cut
Content-Type: text/plain

Your message was read.
--cut
Content-Type: message/disposition-notification

Final-Recipient: rfc822; bob@example.com
Disposition: manual-action/MDN-sent-manually; displayed
--cut--
`,
  'a newsletter': words('From: news@example.com\nSubject: Quota exceeded? Tips', 'Is your mailbox full? Read on.\n'),
  nothing: '',
  'a forwarded bounce': words(
    'From: Bob Example <bob@example.com>\nSubject: Fwd: failure',
    '> Sorry, user unknown\n> bob@example.com\n',
  ),
}
