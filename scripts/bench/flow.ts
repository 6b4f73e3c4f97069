import { parseArgs } from 'node:util'
import { queueType } from './config.ts'
import { reportFlow } from './flow-report.ts'
import { measureLatency, measureMemory, measureStart, measureThroughput } from './flow-runs.ts'
import { isBuilt, type SideName, sideNames } from './sides.ts'
import { type BenchBroker, describeBroker } from './vhost.ts'

const ROUNDS = 2
const OBJECTS = 2_000
const MEMORY_OBJECTS = 10_000 // ten events each

/**
 * Measures the object flow of ebs against the floor, in turns on one broker: objects per second from a backlog, latency,
 * processor time, memory and start-up. Arguments: `--json`, `--objects N`, `--only floor|ebs`, `--rounds N`.
 */
export async function benchFlow(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      objects: { type: 'string', default: String(OBJECTS) },
      rounds: { type: 'string', default: String(ROUNDS) },
      only: { type: 'string' },
    },
  })
  const sides = sideNames.filter((side) => values.only === undefined || values.only === side)
  for (const side of sides) if (!isBuilt(side)) throw new Error(`The ${side} side is not built: npm run build`)
  const say = (line: string) => (values.json ? undefined : console.error(line))
  const { version, pid: brokerPid } = await describeBroker(broker)

  const throughput = []
  for (let round = 1; round <= Number(values.rounds); round++)
    for (const side of sides) {
      say(`round ${round}: ${side} takes a backlog of ${values.objects} objects`)
      throughput.push(await measureThroughput({ broker, side, brokerPid, objects: Number(values.objects) }))
    }
  const latency = []
  for (const side of sides) {
    say(`${side} takes objects at an even rate`)
    latency.push(await measureLatency(broker, side))
  }
  const measured = sides.filter((side): side is SideName => side === 'ebs' || values.only === side)
  const memory = []
  const start = []
  for (const side of measured) {
    say(`${side} takes ${MEMORY_OBJECTS} objects, for its memory`)
    memory.push(await measureMemory(broker, side, MEMORY_OBJECTS))
    start.push(await measureStart(broker, side))
  }
  reportFlow({ json: values.json, version, queueType, throughput, latency, memory, start })
}
