import {
  newSend,
  type SendEvent,
  type SendEventType,
  type SendPhase,
  sendPhases,
  type SendRule,
  sendStatusOf,
  sendTransition,
  sendTransitions,
} from '../src/draft/send-state.ts'
import type { Version } from '../src/ids.ts'

const words: Readonly<Record<SendRule, string>> = {
  same: 'Nothing: the event says nothing new here.',
  refuse: '409; and where a step on the wire asked for leave, it is not taken.',
  check: 'Drafts is pulled and Sent is looked at, unless something holds the send.',
  resume: 'To the wire again with the frozen bytes, for those who are left, if there are any.',
  hold: 'It waits for the user, with the reason shown. With nobody left: nothing.',
  unhold: 'The user says go.',
  postpone: 'Off the wire, until another hour: the server does not hold it that long.',
  freeze: 'The exact bytes are fixed.',
  open: 'Recipients have their verdicts. Those accepted are in flight; with none of them, it waits or has failed.',
  'mark-dot': 'The final dot may go.',
  accept: 'Those in flight are accepted.',
  'retry-later': 'Those in flight wait for another attempt.',
  reject: 'Those in flight are refused. With nobody left it has failed, and the draft is a draft again.',
  'give-up': 'Those who are left are refused. With nobody accepted it has failed.',
  'take-back': 'Nobody has it: those in flight are pending, and it costs no attempt.',
  doubt: 'Those in flight are unknown.',
  park: 'It waits for the user to mend something.',
  note: 'The error is shown.',
  cancel: 'A draft again.',
  'cancel-rest': 'Those who are left are given up; the draft stays sent. With nobody left: 409.',
  'settle-sent': 'Those unknown are accepted. Asked for where nobody is unknown: 409.',
  'settle-again': 'Those unknown are sent to again. Asked for where nobody is unknown: 409.',
  bounce: 'The recipient has it no more. About an unknown one it also proves that the mail was taken.',
  report: 'What is said of the recipient is shown. About an unknown one it also proves that the mail was taken.',
  requeue: 'From the start, under the same id.',
  hurry: 'At once instead of at its time. With nobody left: 409.',
  file: 'A copy is in Sent.',
  verify: 'The copy was seen.',
  clean: 'The copies in Drafts are gone.',
}

/** The part of docs/states.md on sending, made from the table that the outbox runs on. */
export function sendStatesSection(): readonly string[] {
  const events = Object.keys(sendTransitions) as SendEventType[]
  return [
    '# The states of a send',
    '',
    'One consent to send is one send, bound to one revision. Each phase is durable before the next begins. Recipients have',
    'states of their own beside it: pending, in-flight, accepted, refused, temporary, bounced, unknown, cancelled.',
    '',
    '- **queued**: waits for its time, or for the user. **checked**: nothing speaks against it. **frozen**: the bytes are fixed.',
    '- **transmitting**: the server has accepted recipients. **dotting**: the final dot may have been sent.',
    '- **accepted**, **filed**, **verified**, **cleaned**: 250; a copy in Sent; seen there; the copies in Drafts are gone.',
    '- **cancelled**, **failed**; **unknown**: the server may have taken it, or not; **parked**: waits for the user.',
    '',
    'Once somebody is accepted, what leads to the queue leads to the phase that filing has reached instead.',
    '',
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> queued: consent',
    ...diagram(),
    '```',
    '',
    '## As callers see it',
    '',
    '| phase | status of the send |',
    '| --- | --- |',
    ...sendPhases.map((phase) => `| ${phase} | ${sendStatusOf({ phase, filing: null })} |`),
    '',
    '## Every event in every phase',
    '',
    `| event | ${sendPhases.join(' | ')} |`,
    `| --- | ${sendPhases.map(() => '---').join(' | ')} |`,
    ...events.map((event) => `| ${event} | ${sendPhases.map((phase) => sendTransitions[event][phase]).join(' | ')} |`),
    '',
    '## What the rules of sending do',
    '',
    '| rule | does |',
    '| --- | --- |',
    ...(Object.keys(words) as SendRule[]).map((rule) => `| ${rule} | ${words[rule]} |`),
    '',
  ]
}

const reason = { code: '', message: '' }
const address = 'ann@example.org'

const examples: Readonly<Record<SendEventType, SendEvent>> = {
  released: { type: 'released' },
  held: { type: 'held', reason },
  postponed: { type: 'postponed', until: 0 },
  unheld: { type: 'unheld' },
  froze: { type: 'froze' },
  opened: { type: 'opened', verdicts: [{ address, kind: 'accepted', reason }], retryAt: 0 },
  'dot-marked': { type: 'dot-marked' },
  'answered-ok': { type: 'answered-ok', at: 0 },
  'answered-temporary': { type: 'answered-temporary', reason, retryAt: 0 },
  'answered-refused': { type: 'answered-refused', reason },
  'lost-before-dot': { type: 'lost-before-dot', reason, retryAt: 0 },
  'lost-after-dot': { type: 'lost-after-dot', reason },
  recovered: { type: 'recovered' },
  'given-up': { type: 'given-up', reason },
  blocked: { type: 'blocked', reason },
  cancelled: { type: 'cancelled' },
  'found-sent': { type: 'found-sent', at: 0 },
  bounced: { type: 'bounced', address, reason, at: 0 },
  reported: { type: 'reported', address, reason, at: 0 },
  'resolved-sent': { type: 'resolved-sent', at: 0 },
  'resolved-send-again': { type: 'resolved-send-again' },
  retried: { type: 'retried' },
  filed: { type: 'filed' },
  'copy-verified': { type: 'copy-verified' },
  'copies-cleaned': { type: 'copies-cleaned' },
}

/** How a send to one recipient gets to each phase. */
const ways: Readonly<Partial<Record<SendPhase, readonly SendEventType[]>>> = {
  queued: [],
  checked: ['released'],
  frozen: ['released', 'froze'],
  transmitting: ['released', 'froze', 'opened'],
  dotting: ['released', 'froze', 'opened', 'dot-marked'],
  accepted: ['released', 'froze', 'opened', 'dot-marked', 'answered-ok'],
  filed: ['released', 'froze', 'opened', 'dot-marked', 'answered-ok', 'filed'],
  verified: ['released', 'froze', 'opened', 'dot-marked', 'answered-ok', 'filed', 'copy-verified'],
  failed: ['released', 'froze', 'answered-refused'],
  unknown: ['released', 'froze', 'opened', 'dot-marked', 'recovered'],
  parked: ['blocked'],
}

/** Where the machine itself goes with one recipient. */
function diagram(): readonly string[] {
  return (Object.keys(ways) as SendPhase[]).flatMap((phase) => {
    const state = (ways[phase] ?? []).reduce(
      (before, event) => {
        const outcome = sendTransition(before, examples[event])
        return outcome.rule === 'refuse' ? before : outcome.next
      },
      newSend(1 as Version, [address], 0),
    )
    return (Object.keys(examples) as SendEventType[]).flatMap((event) => {
      const outcome = sendTransition(state, examples[event])
      const isMove = outcome.rule !== 'refuse' && outcome.next.phase !== phase
      return isMove ? [`  ${phase} --> ${outcome.next.phase}: ${event}`] : []
    })
  })
}
