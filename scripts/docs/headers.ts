import type { Schema } from '../fuzz/json-schema.ts'

const text = (description: string): Schema => ({ type: 'string', maxLength: 255, description })
const count = (description: string, minimum = 1): Schema => ({ type: 'integer', minimum, description })
const time = (description: string): Schema => ({
  type: 'number',
  minimum: 0,
  description: `${description}, ms since 1970.`,
})

/** Headers of any event; none is needed. */
const ofAll: Readonly<Record<string, Schema>> = {
  'x-ebs-at': time('When it was published'),
  'x-ebs-tenant': text('Whose it is.'),
  'x-ebs-causation': text('Id of the message that caused this one.'),
  traceparent: text('W3C trace context.'),
  'x-ebs-call-attempt': count('The attempt at a call that this asks for, or answers: whoever answers echoes it.'),
  'x-ebs-key': text('Routing key under which it was first published, on one that was published again.'),
  'x-ebs-attempt': count('Number of the attempt at handling it, from 1.'),
  'x-ebs-waits': count('How often this attempt has waited for a store that was away.', 0),
  'x-ebs-replay': text('The job that brought it back, and the id under which it was held.'),
  'x-ebs-released': text('The rules that have let it go.'),
}

/** Headers of any event, as one schema. Senders may add their own. */
export const headersSchema: Schema = { type: 'object', properties: ofAll }

/** Headers of a message in a dead queue or a parking queue, beside those of any event. */
export const heldHeadersSchema: Schema = {
  type: 'object',
  properties: {
    ...ofAll,
    'x-ebs-held': text('Its id in the catalogue of held messages.'),
    'x-ebs-queue': text('The queue that it failed in, or was taken from.'),
    'x-ebs-reason': { type: 'string', description: 'Why it is here.' },
    'x-ebs-error': { type: 'string', description: 'The last error.' },
    'x-ebs-attempts': count('How often it was tried.'),
    'x-ebs-first-failed-at': time('When it failed first'),
    'x-ebs-last-failed-at': time('When it failed last'),
    'x-ebs-rule': text('The sideline rule that set it aside.'),
    'x-ebs-origin': text('Exchange and key that it came under, of one that was moved when its queue was made anew.'),
    'x-ebs-parked-at': time('Since when it is set aside'),
  },
}
