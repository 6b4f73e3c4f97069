/** What a round is asked for. */
export type RoundOptions = {
  /** Everything in a round follows from it. */
  readonly seed: number
  readonly inputs: number
  readonly onInput?: () => void
  /** Also what operators do: then what was accepted may have been cancelled, dropped or set aside by them. */
  readonly acts: boolean
}

export type Finding = {
  readonly what: string
  /** The least that shows it; undefined when it was seen at the end only. */
  readonly input: unknown
}

export type Round = {
  readonly findings: readonly Finding[]
  readonly inputs: number
  /** Of answers by status, or of messages by what became of them. */
  readonly statuses: ReadonlyMap<string, number>
}

/** Longer than this nobody waits for a smaller input: what is found by then is told. */
const SHRINKING_MS_MAX = 5_000

/** Whether a property need not look at another input: all have been sent, or the search for the least one has had its time. */
export const isOver = ({ failedAtMs }: { readonly failedAtMs: number | undefined }, isAllSent: boolean): boolean =>
  failedAtMs === undefined ? isAllSent : performance.now() > failedAtMs + SHRINKING_MS_MAX
