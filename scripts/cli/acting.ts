import type { ServiceName } from '../services.ts'
import { why } from './common-options.ts'
import { type Item, itemSchema } from './listing.ts'
import type { Given, Options } from './options.ts'
import { pathOf } from './showing.ts'
import { type Verb, verb } from './verb.ts'

export type ActSpec<O extends Options> = {
  readonly act: string
  readonly says: string
  readonly examples: readonly [string, ...string[]]
  readonly service: ServiceName
  readonly path: string
  readonly options: O
  /** What the act needs besides who and why. */
  body(given: Given<O>, nowMs: number): Item
  /** Said when it is done. */
  done(id: string, answer: Item): string
}

/** A verb that acts on one item: `POST <path>/<id>/<act>` with who and why. */
export const actVerb = <O extends Options>(spec: ActSpec<O>): Verb =>
  verb({
    name: `${spec.act} <id>`,
    says: spec.says,
    examples: spec.examples,
    options: spec.options,
    also: why,
    async run(cli, given, [id = '']) {
      const body = { actor: cli.actor, reason: given.reason, ...spec.body(given, cli.now()) }
      const answer = await cli.api(spec.service).post(pathOf(spec.path, id, spec.act), itemSchema, { body })
      cli.answer(answer.body, () => spec.done(id, answer.body))
      return undefined
    },
  })
