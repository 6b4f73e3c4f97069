import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { findingsText, type Subject, subjects } from '../rounds.ts'

/** `npm run fuzz` takes any number. */
const INPUTS = 100
const SEED_MAX = 1_000_000
const MS_MAX = 60_000
const random = randomInt(SEED_MAX)

const rounds: readonly { readonly subject: Subject; readonly seed: number }[] = [
  { subject: 'http', seed: 1 },
  { subject: 'http', seed: random * 2 },
  { subject: 'messages', seed: random },
]

test.each(rounds)(
  'D5, A3: nothing that is sent from outside breaks anything: $subject, seed $seed',
  async ({ subject, seed }) => {
    const round = await subjects[subject]({ seed, inputs: INPUTS })

    expect(findingsText({ ...round, subject, seed, tookMs: 0 })).toBe('')
    expect(round.inputs).toBeGreaterThanOrEqual(INPUTS)
  },
  MS_MAX,
)
