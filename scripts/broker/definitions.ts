import { createHash, hash, randomBytes } from 'node:crypto'
import { rightHolders, rightsOf, type ServiceName } from '../../shared/rights.ts'
import { activityPlan, type Plan, type QueueType, topologyPlan } from '../../shared/topology.ts'

/** Manages the broker: may do anything, and is used by people only. */
export const ADMIN = 'admin'
export type UserName = ServiceName | typeof ADMIN
/** Whoever has a password: `EBS_<NAME>_PASSWORD`. */
export const userNames: readonly UserName[] = [...rightHolders, ADMIN]

export type DefinitionsOptions = {
  readonly vhost: string
  readonly queueType: QueueType
  /** Activities that the processor does: it cannot make their queues itself. */
  readonly activities: readonly string[]
  readonly withBreakers: boolean
  /** Who is not in it has its name for a password, always with the same salt: for trying. */
  readonly passwords: ReadonlyMap<UserName, string>
}

const EVERYTHING = { configure: '.*', write: '.*', read: '.*' }

/** What RabbitMQ 3.10 to 4.x imports: a user for each service with its rights, and the topology. */
export function definitionsOf({ vhost, queueType, activities, withBreakers, passwords }: DefinitionsOptions) {
  const rights = rightHolders.map((user) => ({ user, ...rightsOf(user, { activities, withBreakers }) }))
  const plan = planWith(activities, queueType)
  return {
    users: [
      ...rights.map(({ user, tags }) => userOf(user, tags, passwords)),
      userOf(ADMIN, ['administrator'], passwords),
    ],
    vhosts: [{ name: vhost }],
    permissions: [
      ...rights.map(({ user, permission }) => ({ user, vhost, ...permission })),
      { user: ADMIN, vhost, ...EVERYTHING },
    ],
    topic_permissions: rights.flatMap(({ user, topics }) => topics.map((topic) => ({ user, vhost, ...topic }))),
    exchanges: plan.exchanges.map(({ name, type, internal, arguments: args }) => ({
      ...{ name, vhost, type, durable: true, auto_delete: false, internal: internal === true },
      arguments: args,
    })),
    queues: plan.queues.map(({ name, arguments: args }) => ({
      ...{ name, vhost, durable: true, auto_delete: false },
      arguments: args,
    })),
    bindings: plan.bindings.map(({ source, destination, to, key }) => ({
      ...{ source, vhost, destination, destination_type: to, routing_key: key },
      arguments: {},
    })),
  }
}

/** As the file that is kept: the formatter leaves it alone. */
export const textOf = (definitions: object): string =>
  `${JSON.stringify(definitions, null, 2).replaceAll(/\[\n\s+("[^"\n]*")\n\s+\]/g, '[$1]')}\n`

function planWith(activities: readonly string[], queueType: QueueType): Plan {
  const plans = [topologyPlan(queueType), ...activities.map((activity) => activityPlan(activity, queueType))]
  return {
    exchanges: plans.flatMap(({ exchanges }) => exchanges),
    queues: plans.flatMap(({ queues }) => queues),
    bindings: plans.flatMap(({ bindings }) => bindings),
  }
}

const userOf = (name: UserName, tags: readonly string[], passwords: DefinitionsOptions['passwords']) => ({
  name,
  password_hash: hashOf(name, passwords.get(name)),
  hashing_algorithm: 'rabbit_password_hashing_sha256',
  tags,
})

const SALT_BYTES = 4

/** RabbitMQ's own way: salt, and SHA-256 of salt and password (https://www.rabbitmq.com/docs/passwords). */
function hashOf(name: UserName, password: string | undefined): string {
  const salt = password === undefined ? hash('sha256', name, 'buffer').subarray(0, SALT_BYTES) : randomBytes(SALT_BYTES)
  const digest = createHash('sha256')
    .update(salt)
    .update(password ?? name)
    .digest()
  return Buffer.concat([salt, digest]).toString('base64')
}
