import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { untilFinished } from './flow-runs.ts'
import { groupSides } from './groups.ts'
import { publishBacklog } from './objects.ts'
import { startServices } from './services.ts'
import { programsOf, sideNames } from './sides.ts'
import type { BenchBroker } from './vhost.ts'

const OBJECTS = 5_000
const LINES_MAX = 22

const profileSchema = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

const subjects = [
  ...sideNames.map((name) => ({ name, start: { purpose: name, programs: programsOf[name] }, until: untilFinished })),
  { name: 'hub', start: groupSides.hub, until: groupSides.hub.until },
] as const

/**
 * Runs both sides, and the flow with its hub, under Node's profiler and lists the functions with the most processor time of their own,
 * per object.
 */
export async function benchProfile(broker: BenchBroker, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { objects: { type: 'string', default: String(OBJECTS) }, only: { type: 'string' } },
  })
  for (const subject of subjects.filter(({ name }) => values.only === undefined || values.only === name))
    await profileSubject(broker, subject, Number(values.objects))
}

async function profileSubject(
  broker: BenchBroker,
  { name: side, start, until }: (typeof subjects)[number],
  objects: number,
): Promise<void> {
  // The profiler writes into the working directory, which is the data folder.
  await using running = await startServices(broker, { ...start, nodeArgs: ['--cpu-prof'] })
  await publishBacklog(running.amqpUrl, objects)
  await until(running, objects)
  await Promise.all(running.processes.map((each) => each.stop()))
  const files = await readdir(running.dataDir)
  for (const { name, pid } of running.processes) {
    const file = files.find((each) => each.endsWith('.cpuprofile') && each.split('.').includes(String(pid)))
    if (!file) throw new Error(`${name} left no profile: it did not end by itself.`)
    const profile = profileSchema.parse(JSON.parse(await readFile(join(running.dataDir, file), 'utf8')))
    console.log(`\n${side} ${name}: microseconds per object`)
    for (const [place, us] of topPlaces(profile)) console.log(`  ${(us / objects).toFixed(1).padStart(7)}  ${place}`)
  }
}

/** Own time in microseconds by function, the greatest first. */
function topPlaces(profile: z.infer<typeof profileSchema>): readonly [string, number][] {
  const placeOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, spell(callFrame)]))
  const own = new Map<string, number>()
  profile.samples.forEach((id, index) => {
    const place = placeOf.get(id) ?? '?'
    own.set(place, (own.get(place) ?? 0) + (profile.timeDeltas[index] ?? 0))
  })
  own.delete('(idle)')
  return [...own].sort(([, a], [, b]) => b - a).slice(0, LINES_MAX)
}

const spell = ({ functionName, url, lineNumber }: { functionName: string; url: string; lineNumber: number }) => {
  const file = url.replace(/^.*\/(node_modules|dist)\//, '')
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`
}
