/**
 * Makes a fresh clone runnable: checks Node, installs the dependencies, compiles, bundles. It runs before node_modules exists, so it is
 * plain JavaScript that imports nothing but Node. What is up to date costs some milliseconds and prints nothing.
 */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beginBuild, isBuilt } from './bootstrap/build-stamp.mjs'
import { installEnvironment } from './bootstrap/config.mjs'
import { isInstalled, markInstalled, unmarkInstalled } from './bootstrap/install-stamp.mjs'
import { withLock } from './bootstrap/lock.mjs'
import { runStep, StepError } from './bootstrap/step.mjs'

/** The first release with `require` of ES modules, which the tools that we use count on. */
const nodeMin = [20, 19]

const root = fileURLToPath(new URL('..', import.meta.url))

const installHint = `Is the npm registry reachable? If better-sqlite3 had to be compiled, that needs python3, make and a C++ compiler
(Debian: apt-get install python3 make g++). Started again, the set-up begins where it stopped.`

/** Installs and builds what is missing or stale; ends the process with a message when that fails. */
export async function bootstrap() {
  checkNode()
  if (isReady()) return
  try {
    await withLock(join(root, '.ebs', 'bootstrap.lock'), setUp)
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    console.error(`\n${error.message}`)
    process.exit(error.exitCode)
  }
}

const isReady = () => isInstalled(root) && isBuilt(root)

/** Everything is asked again under the lock: somebody else may just have done it. */
async function setUp() {
  if (isInstalled(root)) {
    if (!isBuilt(root)) await build()
    return
  }
  unmarkInstalled(root)
  await install('installing dependencies (npm ci)', 'ci', '--ignore-scripts', '--no-audit', '--no-fund')
  // Where no prebuilt binary fits, a minute for one large file on one processor. The other one compiles us meanwhile.
  const addOn = install('compiling, also better-sqlite3 (npm rebuild)', 'rebuild', 'better-sqlite3')
  const ended = await Promise.allSettled([addOn, isBuilt(root) ? undefined : build({ isQuiet: true })])
  for (const { reason } of ended) if (reason) throw reason
  markInstalled(root)
}

const install = (title, ...args) =>
  runStep({ title, command: ['npm', ...args], cwd: root, env: installEnvironment, hint: installHint })

/** Quiet when something else shows its progress meanwhile. */
async function build({ isQuiet = false } = {}) {
  const markBuilt = beginBuild(root)
  await runStep({
    ...{ title: 'compiling TypeScript (tsc)', isQuiet, cwd: root },
    command: [process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', root],
    hint: 'The sources do not compile: correct what tsc names above.',
  })
  await runStep({
    ...{ title: 'bundling the services (rolldown)', isQuiet, cwd: root },
    command: [process.execPath, join(root, 'node_modules/rolldown/bin/cli.mjs'), '-c', 'rolldown.config.ts'],
    hint: 'Correct what rolldown names above; rolldown.config.ts says what is bundled.',
  })
  markBuilt()
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])) return
  console.error(`ebs needs Node ${nodeMin.join('.')} or newer, this is ${process.versions.node} (${process.execPath}).`)
  console.error('Get a newer one from https://nodejs.org, or with nvm: nvm install 22')
  process.exit(1)
}

// `npm run build` runs this file itself.
if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const wasReady = isReady()
  await bootstrap()
  if (wasReady) console.log('ebs  dependencies and dist/ are up to date')
}
