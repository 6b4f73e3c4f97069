import { z } from 'zod'
import { vhostIn } from '../../shared/service/amqp-urls.ts'
import type { Plan } from '../../shared/topology.ts'
import { NotDoneError } from '../cli/exit-code.ts'

/** One thing in which a broker differs from a plan. */
export type Difference = {
  readonly kind: 'exchange' | 'queue' | 'binding'
  readonly name: string
  readonly what: string
  readonly wanted: string
  readonly found: string
}

const ANSWER_MS_MAX = 30_000
const bindingsSchema = z.array(
  z.object({ source: z.string(), destination: z.string(), destination_type: z.string(), routing_key: z.string() }),
)
type Binding = Plan['bindings'][number]

/**
 * Compares bindings by the management API: those that are missing, and those between exchanges and queues of the plan that nobody
 * planned. What others have bound to queues of their own is theirs. Throws NotDoneError when it cannot be asked.
 */
export async function compareBindings(
  plan: Plan,
  { amqpUrl, managementUrl }: { amqpUrl: string; managementUrl: string },
): Promise<readonly Difference[]> {
  const found = await readBindings(managementUrl, vhostIn(amqpUrl))
  const ours = new Set([...plan.exchanges, ...plan.queues].map(({ name }) => name))
  const strange = found.filter(({ source, destination }) => ours.has(source) && ours.has(destination))
  const [wantedNames, foundNames] = [new Set(plan.bindings.map(nameOf)), new Set(found.map(nameOf))]
  const difference = (name: string, wanted: string, is: string) => ({
    kind: 'binding' as const,
    name,
    what: 'there',
    wanted,
    found: is,
  })
  return [
    ...[...wantedNames].filter((name) => !foundNames.has(name)).map((name) => difference(name, 'yes', 'no')),
    ...strange
      .map(nameOf)
      .filter((name) => !wantedNames.has(name))
      .map((name) => difference(name, 'no', 'yes')),
  ]
}

const nameOf = ({ source, destination, key }: Pick<Binding, 'source' | 'destination' | 'key'>) =>
  `${source} --${key}--> ${destination}`

async function readBindings(managementUrl: string, vhost: string): Promise<readonly Binding[]> {
  const { origin, username, password } = new URL(managementUrl)
  const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  try {
    const response = await fetch(`${origin}/api/bindings/${encodeURIComponent(vhost)}`, {
      headers: { authorization: `Basic ${user}` },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    if (!response.ok) throw new Error(`it answered ${response.status}`)
    return bindingsSchema
      .parse(await response.json())
      .map(({ source, destination, destination_type, routing_key }) => ({
        ...{ source, destination, key: routing_key },
        to: destination_type === 'queue' ? 'queue' : 'exchange',
      }))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new NotDoneError(
      `The management API at ${origin} cannot be asked (${why}). EBS_AMQP_MANAGEMENT_URL says where it is.`,
      { cause: error },
    )
  }
}
