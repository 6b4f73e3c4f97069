import type { Body } from '../events.ts'

/** Tells requests for flows apart: the same key is the same request, and without one the same parameters are. */
export const requestKeyOf = ({ requestKey, length, mode, error }: Omit<Body<'FLOW_REQUESTED'>, 'type'>): string =>
  requestKey ?? JSON.stringify([length, mode, error ?? null])
