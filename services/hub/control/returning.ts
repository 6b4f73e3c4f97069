import type { Broker } from '../../../shared/bus/broker.ts'
import type { Clock } from '../../../shared/clock.ts'

/** Clients wait at most 5 s, and a third of that more, between two tries to connect. */
export const RETURN_MS = 7_000

/**
 * Whether this side has just lost its connection and got it back: then others may have lost theirs, too, and are not back yet. The broker
 * does not list them, and what they had begun goes on in them all the same.
 */
export function watchReturn(broker: Pick<Broker, 'onState'>, clock: Clock): () => boolean {
  let wasUp = false
  let isAway = false
  let backAtMs = Number.NEGATIVE_INFINITY
  broker.onState((state) => {
    if (state === 'connecting') isAway = wasUp
    if (state !== 'up') return
    if (isAway) backAtMs = clock.now()
    wasUp = true
    isAway = false
  })
  return () => isAway || clock.now() - backAtMs < RETURN_MS
}
