import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { findingsText, fuzz } from './rounds.ts'

const SEED_MAX = 1_000_000_000
const MB = 1_048_576
const wanted = z.object({
  inputs: z.coerce.number().int().min(1).max(1_000_000_000),
  seed: z.coerce
    .number()
    .int()
    .min(0)
    .max(SEED_MAX)
    .default(() => randomInt(SEED_MAX)),
  only: z.enum(['http', 'messages']).optional(),
})
const USAGE = 'Usage: npm run fuzz -- [--inputs N] [--seed S] [--only http|messages]'

/** Exits with 0 when nothing was found, 1 when something was, 2 when it was asked for something that there is not. */
async function main(): Promise<number> {
  const options = readOptions()
  if (!options) return 2
  const { inputs, seed, only } = options
  console.log(`${inputs} inputs, seed ${seed}${only ? `, only ${only}` : ''}`)
  const startMs = performance.now()
  let largestMb = 0
  const rounds = await fuzz({
    ...{ inputs, seed, only },
    onRound: (round) => {
      const mb = Math.round(process.memoryUsage().rss / MB)
      largestMb = Math.max(largestMb, mb)
      const statuses = [...round.statuses].sort().map(([status, count]) => `${status}: ${count}`)
      console.log(
        `${round.subject} ${round.seed}: ${round.inputs} inputs, ${(round.tookMs / 1_000).toFixed(1)} s, ${mb} MB; ${statuses.join(', ')}`,
      )
      if (round.findings.length > 0) console.error(`\n${findingsText(round)}\n`)
    },
  })
  const found = rounds.flatMap(({ findings }) => findings).length
  const sent = rounds.reduce((sum, round) => sum + round.inputs, 0)
  const tookS = Math.round((performance.now() - startMs) / 1_000)
  console.log(`${sent} inputs in ${rounds.length} rounds, ${tookS} s, at most ${largestMb} MB: ${found} findings`)
  return found === 0 ? 0 : 1
}

const INPUTS_DEFAULT = '10000'

function readOptions(): z.output<typeof wanted> | undefined {
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: 'string', default: INPUTS_DEFAULT },
        seed: { type: 'string' },
        only: { type: 'string' },
      },
    })
    return wanted.parse(values)
  } catch (error) {
    console.error(`${error instanceof z.ZodError ? z.prettifyError(error) : error}\n${USAGE}`)
    return undefined
  }
}

process.exit(await main())
