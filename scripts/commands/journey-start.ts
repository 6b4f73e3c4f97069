import { type ExitCode, exitCodes } from '../cli/exit-code.ts'
import { readJson } from '../cli/json-input.ts'
import { itemSchema } from '../cli/listing.ts'
import { asNumber, asText, required, value } from '../cli/options.ts'
import { detailOf } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'
import { lineOf } from '../cli/wording.ts'

/** `EBS_WAIT_MS_MAX` at its largest. */
const WAIT_S_MAX = 600

export const startVerb = verb({
  name: 'start <type>',
  says: 'Start a journey. With a key it is started once, however often you repeat it.',
  examples: [
    'ebs journey start object-enrichment --payload \'{"name":"note","content":"To be"}\' --wait 10',
    'ebs journey start order --payload @order.json --key order-7 --tenant acme',
    'jq .order mail.json | ebs journey start order --payload - --key order-8',
  ],
  options: {
    payload: required('--payload <json>', 'what it is about; @file reads it from a file, - from stdin', readJson),
    key: value('--key <key>', 'your own name for it: of type and tenant, each key is one journey', asText),
    tenant: value('--tenant <tenant>', 'whose it is (default: default)', asText),
    wait: value('--wait <seconds>', 'wait for its end', asNumber({ min: 1, max: WAIT_S_MAX })),
  },
  async run(cli, { payload, key, tenant, wait }, [type = '']): Promise<ExitCode> {
    const { body } = await cli.api('gateway').post('/api/journeys', itemSchema, {
      body: { type, payload, key, tenant },
      headers: wait === undefined ? {} : { prefer: `wait=${wait}` },
    })
    cli.answer(body, (sheet) => detailOf(body, sheet))
    if (body.status === 'COMPLETED') return exitCodes.ok
    const noun = body.status === 'NEEDS_REMEDIATION' ? 'remediation' : 'journey'
    cli.say(`How it goes on: ebs ${noun} show ${lineOf(body.id)}`)
    return wait === undefined ? exitCodes.ok : exitCodes.partly
  },
})
