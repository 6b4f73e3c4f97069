import type { Query } from './api.ts'
import { parseDurationMs } from './duration.ts'
import type { Item } from './listing.ts'
import { asText, flag, type Given, value } from './options.ts'
import type { Column } from './table.ts'
import { ageOf } from './wording.ts'

/** Options of lists of conversations, whatever their kind. */
export const conversationFilters = {
  open: flag('--open', 'only those that go on'),
  status: value('--status <status>', 'only those that stand so', asText),
  tenant: value('--tenant <tenant>', "only this tenant's", asText),
  older: value('--older <span>', 'only those that began longer ago, such as 10m', parseDurationMs),
}

export const conversationQuery = (
  { open, status, tenant, older }: Given<typeof conversationFilters>,
  nowMs: number,
): Query => ({
  open: open || undefined,
  status,
  tenant,
  createdBefore: older === undefined ? undefined : new Date(nowMs - older).toISOString(),
})

export const conversationColumns = (nowMs: number): readonly Column<Item>[] => [
  { head: 'ID', of: ({ id }) => id, isWhole: true },
  { head: 'STATUS', of: ({ status }) => status, isWhole: true, isStatus: true },
  { head: 'TENANT', of: ({ tenant }) => tenant, isMinor: true },
  { head: 'AGE', of: ({ createdAt }) => ageOf(createdAt, nowMs), isNumber: true },
  { head: 'CHANGED', of: ({ changedAt }) => ageOf(changedAt, nowMs), isNumber: true },
]
