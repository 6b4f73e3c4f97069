import { delayRoute } from '../../shared/bus/ladder.ts'
import { exchanges, levelExchange, levels, type Plan, rungQueue, topologyPlan } from '../../shared/topology.ts'

/** A way to build a delay ladder: what to declare, and where a message with a delay has to go. */
export type LadderDesign = {
  readonly name: string
  readonly plan: Plan
  route(delayMs: number): { readonly exchange: string; readonly key: string }
}

/** The one destination of every design. */
export const destination = 'bench'

const base = topologyPlan('quorum', { queues: { [destination]: { hears: [] } }, withLadder: true })

const decimalRoute = (delayMs: number) => delayRoute(delayMs, destination)

/** The ladder of the product: a zero digit goes through an exchange-to-exchange binding to the next level. */
const chained: LadderDesign = { name: 'decimal, chained exchanges', plan: base, route: decimalRoute }

const isLadder = (name: string) => name.startsWith('ebs.delay.')
const wild = (n: number) => '*.'.repeat(n)
const zeros = (n: number) => '0.'.repeat(n)

/** The same rungs, but every level exchange is bound straight to each rung below it, and to delivery when only zeros are left. */
const direct: LadderDesign = {
  name: 'decimal, direct bindings',
  plan: {
    ...base,
    bindings: [
      ...base.bindings.filter(({ source }) => !isLadder(source) || source === exchanges.deliver),
      ...levels.flatMap((_, from) => [
        ...levels.slice(from).flatMap(({ rungs }, below) =>
          rungs.map((rung, digit) => ({
            source: levelExchange(from),
            destination: rungQueue(rung),
            to: 'queue' as const,
            key: `${wild(from)}${zeros(below)}${digit + 1}.#`,
          })),
        ),
        {
          source: levelExchange(from),
          destination: exchanges.deliver,
          to: 'exchange' as const,
          key: `${wild(from)}${zeros(levels.length - from)}#`,
        },
      ]),
    ],
  },
  route: decimalRoute,
}

const BINARY_LEVELS = 20
const BINARY_UNIT_MS = 10
const binaryExchange = (level: number) => (level === BINARY_LEVELS ? exchanges.deliver : `ebs.delay.b${level}`)
const binaryUnitMs = (level: number) => BINARY_UNIT_MS * 2 ** (BINARY_LEVELS - 1 - level)

/** Powers of two, one rung per level: the fewest queues for a range, the most hops for a delay. */
const binary: LadderDesign = {
  name: 'binary, 20 levels',
  plan: {
    exchanges: [
      ...base.exchanges.filter(({ name }) => !isLadder(name)),
      ...Array.from({ length: BINARY_LEVELS + 1 }, (_, level) => ({
        name: binaryExchange(level),
        type: 'topic' as const,
        arguments: { 'alternate-exchange': exchanges.unrouted },
      })),
    ],
    queues: [
      ...base.queues.filter(({ name }) => !isLadder(name)),
      ...Array.from({ length: BINARY_LEVELS }, (_, level) => ({
        name: `ebs.delay.b${level}`,
        arguments: {
          ...base.queues.find(({ name }) => name === 'ebs.delay.10ms')?.arguments,
          'x-message-ttl': binaryUnitMs(level),
          'x-dead-letter-exchange': binaryExchange(level + 1),
        },
      })),
    ],
    bindings: [
      ...base.bindings.filter(({ source }) => !isLadder(source)),
      ...Array.from({ length: BINARY_LEVELS }, (_, level) => [
        {
          source: binaryExchange(level),
          destination: binaryExchange(level + 1),
          to: 'exchange' as const,
          key: `${wild(level)}0.#`,
        },
        {
          source: binaryExchange(level),
          destination: `ebs.delay.b${level}`,
          to: 'queue' as const,
          key: `${wild(level)}1.#`,
        },
      ]).flat(),
      { source: exchanges.deliver, destination, to: 'queue', key: `${wild(BINARY_LEVELS)}${destination}` },
    ],
  },
  route: (delayMs) => {
    const bits = Math.round(delayMs / BINARY_UNIT_MS)
      .toString(2)
      .padStart(BINARY_LEVELS, '0')
    return { exchange: binaryExchange(bits.indexOf('1')), key: `${[...bits].join('.')}.${destination}` }
  },
}

export const designs = { chained, direct, binary } as const
