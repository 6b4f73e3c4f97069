import { parseDurationMs } from './duration.ts'
import type { Item } from './listing.ts'
import { asText, choice, type Given, value } from './options.ts'
import type { Column } from './table.ts'
import { spanOf } from './wording.ts'

/** By what journeys that need a person are chosen. */
export const itemFilters = {
  type: value('--type <type>', 'of this type', asText),
  tenant: value('--tenant <tenant>', "this tenant's", asText),
  attention: choice('--attention <why>', 'why a person should look', ['remediation', 'overdue', 'unknown-type']),
  cause: value('--cause <cause>', 'permanent, exhausted, deadline, compensation, unknown-type or overdue', asText),
  step: value('--step <name>', 'that are about this step', asText),
  olderThan: value('--older-than <span>', 'that have needed a person for longer, such as 1h', parseDurationMs),
}

/** As the API takes it. */
export const itemQuery = ({ type, tenant, attention, cause, step, olderThan }: Given<typeof itemFilters>) => ({
  ...{ type, tenant, attention, cause, step },
  olderThan: olderThan === undefined ? undefined : Math.round(olderThan),
})

export const itemColumns: readonly Column<Item>[] = [
  { head: 'ID', of: ({ id }) => id, isWhole: true },
  { head: 'TYPE', of: ({ type }) => type },
  { head: 'CAUSE', of: ({ cause }) => cause },
  { head: 'STEPS', of: ({ steps }) => (Array.isArray(steps) ? steps.join(', ') : steps) },
  { head: 'SINCE', of: ({ ageMs }) => (typeof ageMs === 'number' ? spanOf(ageMs) : undefined), isNumber: true },
  { head: 'TENANT', of: ({ tenant }) => tenant, isMinor: true },
  { head: 'TICKET', of: ({ ticket }) => ticket, isMinor: true },
  { head: 'ERROR', of: ({ error }) => error },
]
