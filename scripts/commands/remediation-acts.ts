import { actVerb } from '../cli/acting.ts'
import { why } from '../cli/common-options.ts'
import { readJson } from '../cli/json-input.ts'
import { itemSchema } from '../cli/listing.ts'
import { asNumber, asText, value } from '../cli/options.ts'
import { pathOf } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'
import { lineOf } from '../cli/wording.ts'

const place = { service: 'hub', path: '/api/remediation' } as const
const example = '0190c5a0-7d3e-7000-8000-000000000001.main'

const done = (id: string, { status }: { readonly status?: unknown }) => `The journey ${id} is ${lineOf(status)}.`

const seen = {
  revision: value(
    '--revision <n>',
    'the one that you have looked at: if it has changed since, nothing is done',
    asNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  ),
}
const stepped = { step: value('--step <name>', 'of several steps that failed, this one', asText), ...seen }

/** What a person may decide about one journey. */
export const actVerbs = [
  actVerb({
    ...place,
    act: 'retry',
    says: 'Ask again for the steps that failed, or for one of them, with another input if you give one.',
    examples: [
      `ebs remediation retry ${example} --reason 'the bank is back'`,
      `ebs remediation retry ${example} --step charge --input '{"amountCents":650,"card":"4242"}' --reason 'another card'`,
    ],
    options: {
      ...stepped,
      input: value('--input <json>', 'instead of what the definition makes; @file reads it from a file', readJson),
    },
    body: ({ step, input, revision }) => ({ step, input, revision }),
    done,
  }),
  actVerb({
    ...place,
    act: 'skip',
    says: 'Go on as if the step had given this output.',
    examples: [`ebs remediation skip ${example} --step notify --result '{"sent":false}' --reason 'we rang her up'`],
    options: {
      ...stepped,
      result: value(
        '--result <json>',
        'what it would have given (default: null); @file reads it from a file',
        readJson,
      ),
    },
    body: ({ step, result, revision }) => ({ step, output: result, revision }),
    done,
  }),
  actVerb({
    ...place,
    act: 'compensate',
    says: 'Take back what was done, last step first.',
    examples: [`ebs remediation compensate ${example} --reason 'out of stock'`],
    options: seen,
    body: ({ revision }) => ({ revision }),
    done,
  }),
  actVerb({
    ...place,
    act: 'cancel',
    says: 'End it, and leave what was done as it is.',
    examples: [`ebs remediation cancel ${example} --revision 12 --reason 'settled by phone'`],
    options: seen,
    body: ({ revision }) => ({ revision }),
    done,
  }),
]

export const ticketVerb = verb({
  name: 'ticket <id> <reference>',
  says: "Note where people deal with a journey; '' removes the note.",
  examples: [`ebs remediation ticket ${example} OPS-17 --reason 'asked the bank'`],
  options: {},
  also: why,
  async run(cli, { reason }, [id = '', ticket = '']) {
    const body = { ticket, actor: cli.actor, reason }
    const answer = await cli.api('hub').post(pathOf(place.path, id, 'ticket'), itemSchema, { body })
    cli.answer(answer.body, () =>
      ticket === '' ? `The journey ${id} has no ticket.` : `The journey ${id} has the ticket ${lineOf(ticket)}.`,
    )
    return undefined
  },
})
