import { parseArgs } from 'node:util'
import { type FaultName, faultNames, faultOf, isFaultName } from './faults.ts'
import type { Wish } from './plan.ts'

const MINUTES_MIN = 0.1
const MINUTES_MAX = 1_440
export const SEED_MAX = 2 ** 32 - 1

export type Options = Wish & { readonly isJson: boolean }

export const usage = [
  'Usage: npm run chaos -- --minutes N [--seed S] [--only fault,...] [--json]',
  `  --minutes N   how long faults strike, ${MINUTES_MIN} to ${MINUTES_MAX}; starting and checking come on top (default 1)`,
  `  --seed S      which faults, when and at whom: 0 to ${SEED_MAX} (default: one at random)`,
  '  --only a,b    these faults only:',
  ...faultNames.map((name) => `      ${name.padEnd(18)} ${faultOf(name).says}`),
  '  --json        the report as one line of JSON, the last on stdout',
].join('\n')

/** Reads the arguments; undefined when they make no sense. */
export function readOptions(args: readonly string[], anySeed: () => number): Options | undefined {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string' },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const minutes = numberIn(values.minutes, MINUTES_MIN, MINUTES_MAX)
    const seed = values.seed === undefined ? anySeed() : numberIn(values.seed, 0, SEED_MAX)
    const only = values.only === undefined ? faultNames : namesIn(values.only)
    if (minutes === undefined || seed === undefined || !Number.isInteger(seed) || !only) return undefined
    return { minutes, seed, only, isJson: values.json }
  } catch {
    // An option that there is not: the usage says which there are.
    return undefined
  }
}

/** How to run the same plan again. */
export function commandOf({ minutes, seed, only }: Wish): string {
  const some = only.length === faultNames.length ? '' : ` --only ${only.join(',')}`
  return `npm run chaos -- --minutes ${minutes} --seed ${seed}${some}`
}

function numberIn(text: string, min: number, max: number): number | undefined {
  const number = text.trim() === '' ? Number.NaN : Number(text)
  return number >= min && number <= max ? number : undefined
}

function namesIn(text: string): readonly FaultName[] | undefined {
  const names = text.split(',').map((name) => name.trim())
  const known = names.filter(isFaultName)
  return known.length === names.length ? [...new Set(known)] : undefined
}
