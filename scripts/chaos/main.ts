import { randomInt } from 'node:crypto'
import type { SetUpConfig } from '../config.ts'
import { EXIT_MISCONFIGURED, runScript } from '../entry.ts'
import { EXIT_INTERRUPTED, listenForStop } from '../stop-requests.ts'
import { commandOf, type Options, readOptions, SEED_MAX, usage } from './options.ts'
import { drawPlan } from './plan.ts'
import { printJson, printReport, type Report } from './report.ts'
import { mountsLeft, runChaos } from './run.ts'
import { openSite, type Site } from './site.ts'

/** On stderr, so that stdout holds the report. */
const note = (line: string) => console.error(`chaos  ${line}`)

await runScript(async (config) => {
  const options = readOptions(process.argv.slice(2), () => randomInt(SEED_MAX))
  if (!options) {
    console.error(usage)
    return EXIT_MISCONFIGURED
  }
  if (drawPlan(options).length === 0) {
    console.error(`None of these faults fits into ${options.minutes} minutes: take more.`)
    return EXIT_MISCONFIGURED
  }
  return chaos(config, options)
})

/** Gives the exit status: 0 only when everything holds. */
async function chaos(config: SetUpConfig, options: Options): Promise<number> {
  let site: Site | undefined
  using stop = listenForStop(async () => {
    await site?.kill()
    await site?.clear(false)
  })
  const { signal } = stop
  signal.addEventListener('abort', () => note('interrupted: stopping what was started'))
  let report: Report | undefined
  try {
    note('starting a broker and eight processes')
    site = await openSite(config, options.minutes, signal)
    report = await runChaos({ site, wish: options, signal, note })
  } catch (error) {
    if (!signal.aborted) {
      note(`it went wrong; the same again: ${commandOf(options)}${site ? `; the logs are in ${site.folder}` : ''}`)
      await close(site, true)
      throw error
    }
  }
  const isKept = report !== undefined && !report.isRight
  await close(site, isKept)
  if (!report) return EXIT_INTERRUPTED
  const print = options.isJson ? printJson : printReport
  print({ ...report, ...(isKept && site && { evidence: site.folder }) })
  return stop.exitStatus(report.isRight ? 0 : 1)
}

async function close(site: Site | undefined, isKept: boolean): Promise<void> {
  if (!site) return
  await site.stop()
  await site.clear(isKept)
  const mounts = mountsLeft(site)
  if (mounts.length > 0) throw new Error(`Still mounted: ${mounts.join(', ')}. Unmount them by hand (umount -l).`)
}
