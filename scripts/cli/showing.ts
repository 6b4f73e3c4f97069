import type { ServiceName } from '../services.ts'
import { type Item, itemSchema } from './listing.ts'
import { type Column, type Sheet, tableOf } from './table.ts'
import { type Verb, verb } from './verb.ts'
import { lineOf, linesOf } from './wording.ts'

export type ShowSpec = {
  readonly says: string
  readonly examples: readonly [string, ...string[]]
  readonly service: ServiceName
  /** Without a slash at its end. */
  readonly path: string
}

/** A verb that shows one item with everything that the API says of it. */
export const showVerb = ({ says, examples, service, path }: ShowSpec): Verb =>
  verb({
    name: 'show <id>',
    says,
    examples,
    options: {},
    isWatchable: true,
    async run(cli, _given, [id = '']) {
      const item = await cli.api(service).get(pathOf(path, id), itemSchema)
      cli.answer(item, (sheet) => detailOf(item, sheet))
      return undefined
    },
  })

/** Path of one item, or of an act on it. */
export const pathOf = (path: string, id: string, act?: string): string =>
  [path, encodeURIComponent(id), ...(act === undefined ? [] : [act])].join('/')

/**
 * One item in full: what is short as lines, lists of things as tables below, a message's body as it is. Lines are not cut, because
 * whoever looks at one item wants all of it.
 */
export function detailOf(item: Item, sheet: Sheet): string {
  const entries = Object.entries(item).filter(([, value]) => value !== undefined && value !== null)
  const isTable = (value: unknown): value is readonly Item[] =>
    Array.isArray(value) && value.length > 0 && value.every(isRecord)
  const isBlock = (name: string, value: unknown) => name === 'body' && value !== ''
  const lines = entries.filter(([name, value]) => !isTable(value) && !isBlock(name, value))
  const names = Math.max(0, ...lines.map(([name]) => name.length))
  return [
    lines.map(([name, value]) => `${sheet.paint('bold', name.padEnd(names))}  ${shortOf(value)}`).join('\n'),
    ...entries.flatMap(([name, value]) =>
      isTable(value) ? [titled(name, tableOf(columnsOf(value), value, indentedSheet(sheet)), sheet)] : [],
    ),
    ...entries.flatMap(([name, value]) => (isBlock(name, value) ? [titled(name, prettyBody(value), sheet)] : [])),
  ].join('\n\n')
}

/** JSON laid out for reading; text that is not JSON as it is. */
export function prettyBody(body: unknown): string {
  if (typeof body !== 'string') return JSON.stringify(body, null, 2)
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    // Poison need not be JSON.
    return linesOf(body)
  }
}

const INDENT = '  '
/** A part of a sheet, below a title. */
export const indentedSheet = (sheet: Sheet): Sheet => ({
  ...sheet,
  width: sheet.width === undefined ? undefined : sheet.width - INDENT.length,
})
/** Text below its title. */
export const titled = (title: string, text: string, { paint }: Sheet) => `${paint('bold', title)}\n${indented(text)}`
const indented = (text: string) => text.replaceAll(/^(?=.)/gm, INDENT)

function shortOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(lineOf).join(', ')
  return lineOf(value)
}

const isRecord = (value: unknown): value is Item => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A column for each name that occurs. */
const columnsOf = (rows: readonly Item[]): Column<Item>[] =>
  [...new Set(rows.flatMap((row) => Object.keys(row)))].map((name) => ({
    head: name.replaceAll(/([A-Z])/g, ' $1').toUpperCase(),
    of: (row) => row[name],
    ...(/^(id|at|state|status)$/.test(name) && { isWhole: true }),
    ...(/^(state|status)$/.test(name) && { isStatus: true }),
    ...(rows.every((row) => typeof row[name] === 'number') && { isNumber: true }),
  }))
