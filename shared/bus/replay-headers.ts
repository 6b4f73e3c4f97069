/** What a message that came back says about itself: which rules have let it go, and which job brought it. */

/** The job that brought a message back, and the id under which it was held. */
export type Replayed = { readonly job: string; readonly held: string }

const NONE: readonly string[] = []
/** Some fifty uses of rules. Whoever brings a message back drops the oldest (`releasedHeader`). */
const RELEASED_CHARS_MAX = 4_096

export const releasedOf = (header: unknown): readonly string[] =>
  typeof header === 'string' && header !== '' && header.length <= RELEASED_CHARS_MAX ? header.split(',') : NONE

/** The header `x-ebs-released` with one use of a rule (`id#episode`) more. */
export function releasedHeader(released: readonly string[], rule: string): string {
  const all = [...released.filter((one) => one !== rule), rule]
  while (all.join(',').length > RELEASED_CHARS_MAX) all.shift()
  return all.join(',')
}

/** Events name the job, and the catalogue takes no longer names. */
const JOB_CHARS_MAX = 128

/** `job/held`, as `replayHeader` writes it. */
export function replayOf(header: string | undefined): Replayed | undefined {
  if (header === undefined) return undefined
  const at = header.indexOf('/')
  return at > 0 && at <= JOB_CHARS_MAX && at < header.length - 1
    ? { job: header.slice(0, at), held: header.slice(at + 1) }
    : undefined
}

/** The id of a job by which a rule tries one message, to see whether it is handled again. No rule has a colon in its id. */
export const probeJob = (rule: string, number: string) => `${rule}:${PROBE}${number}`
const PROBE = 'probe.'

/** The use of a rule (`id#episode`) that has let a message go for a probe only. */
export function probedUse({ released, replay }: Stay): string | undefined {
  if (!replay) return undefined
  const [rule, what] = replay.job.split(':')
  return what?.startsWith(PROBE) ? released.findLast((use) => use.startsWith(`${rule}#`)) : undefined
}
type Stay = { readonly released: readonly string[]; readonly replay: Replayed | undefined }

/** The header `x-ebs-replay`. Jobs have no slash in their ids. */
export const replayHeader = ({ job, held }: Replayed) => `${job}/${held}`
