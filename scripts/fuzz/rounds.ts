import { httpRound } from './http-round.ts'
import { messageRound } from './message-round.ts'
import type { Round } from './round.ts'

/** What is fuzzed, by the name that `--only` takes. */
export const subjects = {
  /** Seeds in turn: users only, whose orders all have to end; and operators, who may cancel, drop and set aside what others ordered. */
  http: ({ seed, ...options }: Order): Promise<Round> => httpRound({ ...options, seed, acts: seed % 2 === 0 }),
  messages: (options: Order): Promise<Round> => messageRound({ ...options, acts: true }),
} as const

export type Subject = keyof typeof subjects

type Order = { readonly seed: number; readonly inputs: number; readonly onInput?: () => void }

/** Inputs to one system; then it ends, and the next one begins with the next seed. So a failure is repeated by its round alone. */
export const ROUND_INPUTS = 1_000

export type RoundTold = Round & { readonly subject: Subject; readonly seed: number; readonly tookMs: number }

export type FuzzOptions = {
  readonly seed: number
  /** Of each subject together. */
  readonly inputs: number
  readonly only: Subject | undefined
  readonly onRound?: (round: RoundTold) => void
}

/** Rounds of each subject in turn until so many inputs were tried. */
export async function fuzz({ seed, inputs, only, onRound }: FuzzOptions): Promise<readonly RoundTold[]> {
  const order: readonly Subject[] = only === undefined ? ['http', 'messages'] : [only]
  const told: RoundTold[] = []
  let [left, turn] = [inputs, 0]
  while (left > 0) {
    const subject = order[turn % order.length] ?? 'http'
    const roundSeed = seed + Math.floor(turn / order.length)
    const startMs = performance.now()
    const round = await subjects[subject]({ seed: roundSeed, inputs: Math.min(left, ROUND_INPUTS) })
    const one = { ...round, subject, seed: roundSeed, tookMs: performance.now() - startMs }
    told.push(one)
    onRound?.(one)
    left -= Math.min(left, ROUND_INPUTS)
    turn++
  }
  return told
}

/** What is told of a round in which something was found: what, the least input that shows it, and how to see it again. */
export function findingsText({ findings, subject, seed, inputs }: RoundTold): string {
  const command = `npm run fuzz -- --only ${subject} --seed ${seed} --inputs ${Math.min(ROUND_INPUTS, Math.max(inputs, 1))}`
  return findings
    .map(({ what, input }) =>
      [
        `${subject}, seed ${seed}: ${what.slice(0, WHAT_CHARS)}`,
        ...(input === undefined ? [] : [shortened(input)]),
        `again: ${command}`,
      ].join('\n'),
    )
    .join('\n\n')
}

const WHAT_CHARS = 2_000
const TEXT_CHARS = 200
/** Without the middle of what is long on purpose. */
const shortened = (input: unknown): string =>
  JSON.stringify(
    input,
    (_key, value: unknown) =>
      typeof value === 'string' && value.length > TEXT_CHARS
        ? `${value.slice(0, TEXT_CHARS)}... (${value.length} characters)`
        : value,
    2,
  )
