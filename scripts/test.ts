import { rmSync } from 'node:fs'
import { relative } from 'node:path'
import { findBroker } from './broker/find-broker.ts'
import type { FoundBroker } from './broker/found-broker.ts'
import { killOwnNode } from './broker/private-node.ts'
import type { SetUpConfig } from './config.ts'
import { runScript } from './entry.ts'
import { say } from './progress.ts'
import { EXIT_INTERRUPTED, listenForStop } from './stop-requests.ts'
import { checkTestBroker, testEnvironment } from './test-environment.ts'
import { openTestFolder } from './test-folders.ts'
import { runTool } from './tool.ts'

/** What does not compile was found out when it was built. */
const checks = [{ title: 'lint and format (biome)', command: ['node_modules/@biomejs/biome/bin/biome', 'check', '.'] }]

/** All but the cluster of three nodes, which takes two minutes of a whole machine: `npm test -- --project cluster`. */
const EVERYTHING = ['--project', 'parts', '--project', 'alone', '--project', 'system']

/** `npm test`: checks, then all tests (or those named as arguments) against a broker of their own. */
async function test(config: SetUpConfig): Promise<number> {
  checkTestBroker(config)
  const folder = await openTestFolder(config.root)
  const wanted = process.argv.slice(2)
  using stop = listenForStop(() => killOwnNode(folder))
  const { signal } = stop
  const run = (command: readonly string[], env: NodeJS.ProcessEnv = { ...config.env }) =>
    runTool({ command, cwd: config.root, env, signal })

  // A part is run again and again while something is being written; the whole is what has to be in order.
  for (const { title, command } of wanted.length > 0 ? [] : checks) {
    say(title)
    if ((await run(command)) !== 0) return signal.aborted ? EXIT_INTERRUPTED : 1
  }
  if (config.amqpUrl !== undefined && config.forced !== 'url') {
    say('the tests use a broker of their own; EBS_BROKER=url makes them use the one of EBS_AMQP_URL')
  }
  let broker: FoundBroker | undefined
  let status = 1
  try {
    broker = await findBroker({ config, purpose: 'test', folder, signal })
    say(`tests (vitest)${wanted.length > 0 ? `: ${wanted.join(' ')}` : ''}`)
    status = await run(
      ['node_modules/vitest/vitest.mjs', 'run', ...(wanted.length > 0 ? wanted : EVERYTHING)],
      testEnvironment(config.env, broker),
    )
  } catch (error) {
    if (!signal.aborted) {
      await broker?.owned?.running.stop()
      throw error
    }
  }
  const isEvidence = status !== 0 && !signal.aborted
  // Nobody needs what a broker would still write when its folder goes; a graceful stop takes 6 s.
  await (isEvidence ? broker?.owned?.running.stop() : broker?.owned?.running.kill())
  if (!isEvidence) rmSync(folder, { recursive: true, force: true })
  else if (broker?.owned) say(`the broker's logs and data are kept in ${relative(process.cwd(), folder)}`)
  return signal.aborted ? EXIT_INTERRUPTED : status
}

await runScript(test)
