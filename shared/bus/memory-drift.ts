import type { Plan } from '../topology.ts'
import type { Drift } from './broker.ts'

type Existing = {
  readonly exchanges: ReadonlyMap<string, Plan['exchanges'][number]>
  readonly queues: ReadonlyMap<string, Plan['queues'][number]>
}

/** Every difference between what a plan wants and what is there under the same name. */
export function driftsOf(plan: Plan, existing: Existing): Drift[] {
  return [
    ...plan.exchanges.flatMap((wanted) => {
      const found = existing.exchanges.get(wanted.name)
      const flat = (exchange: Plan['exchanges'][number]) => ({ type: exchange.type, ...exchange.arguments })
      return found ? differences('exchange', wanted.name, { wanted: flat(wanted), found: flat(found) }) : []
    }),
    ...plan.queues.flatMap((wanted) => {
      const found = existing.queues.get(wanted.name)
      return found ? differences('queue', wanted.name, { wanted: wanted.arguments, found: found.arguments }) : []
    }),
  ]
}

type Sides = Record<'wanted' | 'found', Readonly<Record<string, string | number | boolean>>>

function differences(kind: Drift['kind'], name: string, { wanted, found }: Sides): Drift[] {
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)])
  const shown = (value: string | number | boolean | undefined) => (value === undefined ? 'not set' : String(value))
  return [...names]
    .filter((argument) => wanted[argument] !== found[argument])
    .map((argument) => ({
      kind,
      name,
      argument,
      wanted: shown(wanted[argument]),
      found: shown(found[argument]),
    }))
}
