import { UsageError } from './exit-code.ts'
import { asText, flag, type Given, value } from './options.ts'

/** By what dead messages are chosen. */
export const selecting = {
  group: value('--group <fingerprint>', 'of this group, see `ebs dead groups`', asText),
  queue: value('--queue <name>', 'of this queue; ebs.unrouted: what no queue wanted', asText),
  type: value('--type <type>', 'events of this type', asText),
  tenant: value('--tenant <tenant>', "this tenant's", asText),
  where: value('--where <cel>', 'that match, such as \'event.task.tenant == "acme"\'', asText),
}

export const everything = { all: flag('--all', 'every one that the other options allow') }

type Chosen = Given<typeof selecting>

/** The selection as the API takes it in a filter, besides ids. */
export const selectionQuery = ({ group, queue, type, tenant, where }: Chosen) => ({
  queue,
  fingerprint: group,
  type,
  tenant,
  where,
})

export type Selection = {
  readonly filter: ReturnType<typeof selectionQuery> & { readonly ids?: readonly string[] }
  readonly all?: true
  /** As a person would say it after `200 messages`. */
  readonly words: string
}

/** What is meant by ids and options together. Throws UsageError when nothing is, or two things at once are. */
export function selectionOf(ids: readonly string[], given: Chosen & Given<typeof everything>): Selection {
  const { group, queue, type, tenant, where, all } = given
  const parts = [
    queue && ` of ${queue}`,
    group && ` in group ${group}`,
    type && ` of type ${type}`,
    tenant && ` of tenant ${tenant}`,
    where && ` where ${where}`,
  ].filter((part) => part !== undefined)
  if (ids.length > 0 && all) throw new UsageError('Ids and --all contradict each other: give one of them.')
  if (ids.length === 0 && parts.length === 0 && !all)
    throw new UsageError(
      'Which messages? Give ids, --group, --queue, --type, --tenant or --where; --all means every dead message.',
    )
  return {
    filter: { ...selectionQuery(given), ...(ids.length > 0 && { ids }) },
    ...(all && { all }),
    words: parts.join(''),
  }
}
