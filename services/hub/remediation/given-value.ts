import { VALUE_BYTES_MAX } from '../../../shared/flow/hub-state.ts'
import { findTooMuch, sizeOf, VALUE_DEPTH_MAX } from '../../../shared/flow/value-size.ts'
import { journeyEvents } from '../../../shared/journey-events.ts'

const { input, output } = journeyEvents.REMEDIATION_COMMAND.body.shape
const error = `at most ${VALUE_BYTES_MAX} bytes as JSON, and nested ${VALUE_DEPTH_MAX} levels deep, are kept; publish a reference instead`
const fits = (value: unknown) =>
  value === undefined || findTooMuch('', sizeOf(value), { bytesMax: VALUE_BYTES_MAX }) === undefined

/** What a person gives in the place of what a definition or an activity gave: no more than any journey could keep. */
export const givenValues = { input: input.refine(fits, { error }), output: output.refine(fits, { error }) }
