import { z } from 'zod'
import type { ServiceName } from '../services.ts'
import type { Api, Query } from './api.ts'
import type { Cli } from './cli.ts'
import { paging } from './common-options.ts'
import type { Given, Options } from './options.ts'
import { type Column, tableOf } from './table.ts'
import { type Verb, verb } from './verb.ts'

/** An item of a list as the API gives it. */
export type Item = Readonly<Record<string, unknown>>
export const itemSchema: z.ZodType<Item> = z.record(z.string(), z.unknown())

const page = z.looseObject({ items: z.array(itemSchema), next: z.string().optional() })
export type Listed = { readonly items: readonly Item[]; readonly next?: string | undefined }

const LIMIT_DEFAULT = 100
/** Items per request. */
const PAGE_ITEMS_MAX = 200

export type ListSpec<O extends Options> = {
  readonly says: string
  readonly examples: readonly [string, ...string[]]
  readonly service: ServiceName
  /** Missing: `list <...operands>` has none. */
  readonly name?: string
  path(operands: readonly string[]): string
  readonly filters: O
  query(given: Given<O>, nowMs: number): Query
  columns(nowMs: number): readonly Column<Item>[]
  /** Said when there is nothing. */
  readonly none: string
}

/** A verb that lists what an API pages through. */
export const listVerb = <O extends Options>(spec: ListSpec<O>): Verb =>
  verb({
    name: spec.name ?? 'list',
    says: spec.says,
    examples: spec.examples,
    options: spec.filters,
    also: paging,
    isWatchable: true,
    async run(cli, given, operands) {
      const query = spec.query(given, cli.now())
      const { limit = LIMIT_DEFAULT, cursor } = given
      const listed = await listAll(cli.api(spec.service), spec.path(operands), { query, limit, cursor })
      showList(cli, listed, spec)
      return undefined
    },
  })

type Pages = { readonly query: Query; readonly limit: number; readonly cursor: string | undefined }

/** Asks for page after page until there are as many items as wanted. */
export async function listAll(api: Api, path: string, { query, limit, cursor }: Pages): Promise<Listed> {
  const items: Item[] = []
  for (let from = cursor; ; ) {
    const wanted = Math.min(PAGE_ITEMS_MAX, limit - items.length)
    const { items: more, next } = await api.get(path, page, { ...query, limit: wanted, cursor: from })
    items.push(...more)
    if (next === undefined) return { items }
    // A page may be empty although there are more: what was looked at was not what is wanted.
    if (items.length >= limit || next === from) return { items, next }
    from = next
  }
}

/** Prints a list: as it came, or as a table. */
export function showList(
  cli: Cli,
  listed: Listed,
  { columns, none }: Pick<ListSpec<Options>, 'columns' | 'none'>,
): void {
  const isEmpty = !cli.isJson && listed.items.length === 0
  if (isEmpty) cli.say(none)
  else if (cli.format === 'ndjson') for (const item of listed.items) cli.answer(item, () => '')
  else cli.answer(listed, (sheet) => tableOf(columns(cli.now()), listed.items, sheet))
  if (cli.format !== 'json' && listed.next !== undefined)
    cli.say(`There are more: --limit ${listed.items.length * 2}, or --cursor '${listed.next}'.`)
}
