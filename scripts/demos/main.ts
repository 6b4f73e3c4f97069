import { parseArgs } from 'node:util'
import { undoOnInterrupt } from '../bench/interrupt.ts'
import type { BenchBroker } from '../bench/vhost.ts'
import type { SetUpConfig } from '../config.ts'
import { EXIT_MISCONFIGURED, runScript } from '../entry.ts'
import { badDeploy } from './bad-deploy.ts'
import { useBroker } from './broker.ts'
import { oneTenantDown } from './one-tenant-down.ts'
import { openStage, type Stage } from './stage.ts'

type Demo = {
  readonly says: string
  /** Gives the exit code. */
  run(broker: BenchBroker, stage: Stage, objects: number | undefined): Promise<number>
}

const demos: Readonly<Record<string, Demo>> = {
  'one-tenant-down': {
    says: 'three tenants under load; one is set aside and brought back, a few first',
    run: oneTenantDown,
  },
  'bad-deploy': { says: 'a bug makes 200 dead letters; fixed, they are brought back to the last one', run: badDeploy },
}

type Wish = { readonly demo: Demo; readonly objects: number | undefined; readonly hasPauses: boolean }

/** Fewer would not be enough for a canary of ten. */
const OBJECTS_MIN = 30
const OBJECTS_MAX = 10_000

const usage = [
  'Usage: npm run demo -- <name> [--no-pause] [--objects N]',
  ...Object.entries(demos).map(([name, { says }]) => `  ${name.padEnd(16)} ${says}`),
  `  --no-pause       does not wait for Enter between the steps`,
  `  --objects N      so many objects, ${OBJECTS_MIN} to ${OBJECTS_MAX.toLocaleString('en')}`,
].join('\n')

await runScript(async (config) => {
  const wish = readArguments()
  if (!wish) {
    console.error(usage)
    return EXIT_MISCONFIGURED
  }
  const interrupt = undoOnInterrupt()
  interrupt.addEventListener('abort', () => console.log('\n  Interrupted: stopping what was started ...'))
  const played = play(config, wish)
  await played.catch(() => undefined)
  // What is undone ends the process; without its services the demo fails, which is nobody's business then.
  return interrupt.aborted ? new Promise<never>(() => undefined) : played
})

async function play(config: SetUpConfig, { demo, hasPauses, objects }: Wish): Promise<number> {
  await using broker = await useBroker(config)
  // Awaited here: returned as a promise it would outlive the broker.
  return await demo.run(broker, openStage({ hasPauses }), objects)
}

function readArguments(): Wish | undefined {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { 'no-pause': { type: 'boolean', default: false }, objects: { type: 'string' } },
    })
    const [name = ''] = positionals
    const demo = Object.hasOwn(demos, name) ? demos[name] : undefined
    const objects = values.objects === undefined ? undefined : Number(values.objects)
    const isSensible =
      objects === undefined || (Number.isInteger(objects) && objects >= OBJECTS_MIN && objects <= OBJECTS_MAX)
    if (!demo || positionals.length > 1 || !isSensible) return undefined
    return { demo, objects, hasPauses: !values['no-pause'] }
  } catch {
    // An option that there is not: the usage says which there are.
    return undefined
  }
}
