import type { Rule } from '../operation-events.ts'
import { type SidelineState, sidelineState } from './sideline-state.ts'

/**
 * The record of a rule in the stream of rules. The stream keeps 8 MiB and drops whole segments of 1 MiB, the oldest first: a record that
 * nobody repeats would be gone one day, and its rule with it, for every consumer that starts later.
 */

/**
 * Rules that may be open at once. Each costs every message a look; and all of them said again, up to 16 KiB each, have to fit beside what
 * comes in between. One rule cannot know of others: the kernel counts them.
 */
export const RULES_MAX = 200
export const TOO_MANY_RULES = `${RULES_MAX} sideline rules are open, and each costs every message a look: resolve or discard one first, or widen the filter of one.`

/** After so many bytes of other records the open rules are said again: less than half of the 7 MiB that the stream is sure to keep. */
export const SAY_AGAIN_BYTES = 3_145_728

/** A rule as consumers apply it. */
export const recordOf = (state: SidelineState): Rule => ({
  id: state.id,
  episode: state.episode,
  revision: state.revision,
  phase: state.phase,
  filter: state.filter,
  queues: state.queues,
  actor: state.actor,
  reason: state.reason,
  since: isoOf(state.sinceMs),
  ...(state.expiresAtMs !== undefined && { expiresAt: isoOf(state.expiresAtMs) }),
})

/** The record of a stored conversation of the kind `sideline`. Throws when the text is none. */
export const recordIn = (json: string): Rule => recordOf(sidelineState.parse(JSON.parse(json)))

export const isoOf = (ms: number) => new Date(ms).toISOString()
