import type { Metric } from './metric.ts'

const BEGIN = '<!-- begin: made from what services show -->'
const END = '<!-- end -->'
/** Of Node itself and of its process: libuv, memory, garbage collection. They are prom-client's, alike in all services. */
const OF_NODE = /^(process|nodejs)_/

/** The page with its tables made anew; `alertsOf` names the alerts that ask for a metric. Throws when the page has no place for them. */
export function withTables(
  page: string,
  {
    services,
    rabbit,
    alertsOf,
  }: {
    readonly services: readonly Metric[]
    readonly rabbit: readonly Metric[]
    readonly alertsOf: (metric: Metric) => readonly string[]
  },
): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`The page has no place for tables: ${BEGIN} ... ${END}`)
  const row = (metric: Metric) => {
    const { name, type, labels, help } = metric
    const shown = [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
      alertsOf(metric).join(', '),
    ]
    return `| ${shown.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  }
  const table = (metrics: readonly Metric[]) =>
    ['| metric | type | labels | what it says | alert |', '|---|---|---|---|---|', ...metrics.map(row)].join('\n')
  const own = services.filter(({ name }) => !OF_NODE.test(name)).toSorted((a, b) => a.name.localeCompare(b.name))
  const sharers = [...new Set(own.map((metric) => metric.services.join(', ')))]
  const sections = sharers
    .map((names) => ({ names, metrics: own.filter((metric) => metric.services.join(', ') === names) }))
    // What many have comes first.
    .toSorted((a, b) => b.names.split(', ').length - a.names.split(', ').length)
    .map(({ names, metrics }) => `### Of ${names}\n\n${table(metrics)}`)
  const text = [...sections, `### Of RabbitMQ\n\n${table(rabbit)}`].join('\n\n')
  return `${page.slice(0, begin)}${BEGIN}\n\n${text}\n\n${page.slice(end)}`
}
