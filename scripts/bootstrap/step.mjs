import { spawn } from 'node:child_process'

/** Output shown when a tool fails: npm names the cause first and explains it at length, compilers name it last. */
const headLinesMax = 15
const tailLinesMax = 30
const outputCharsMax = 1_000_000

/** A tool that was asked to stop and has not is killed after this. */
const stopMsMax = 5_000

/** On a terminal the seconds count in place; in a log there is a line now and then. */
const tickMs = 1_000
const linesEveryMs = 10_000
const showAfterMs = 2_000

/** A step of the set-up failed or was interrupted: the message is for a person, `exitCode` for the shell. */
export class StepError extends Error {
  constructor(message, exitCode) {
    super(message)
    this.exitCode = exitCode
  }
}

/**
 * Runs one tool: a line when it starts and progress while it lasts, unless it is quiet; its last output if it fails. On Ctrl-C the
 * tool and all that it started are stopped first.
 */
export async function runStep({ title, command: [program, ...args], cwd, env, hint, isQuiet = false }) {
  if (!isQuiet) console.log(`ebs  ${title}`)
  const startedAt = Date.now()
  // A process group of its own: the compilers that npm starts are stopped with it.
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text) => {
      output = (output + text).slice(-outputCharsMax)
    })
  }
  const progress = isQuiet ? undefined : showProgress(title, startedAt)
  const interrupt = stopOnSignal(child)
  const { code, error } = await ended(child)
  progress?.stop()
  interrupt.stop()
  if (interrupt.signal) throw new StepError(`ebs  stopped while ${title}`, interrupt.signal === 'SIGINT' ? 130 : 143)
  if (error) throw new StepError(`ebs  cannot run ${program}: ${error.message}\n${hint}`, 1)
  if (code !== 0) throw new StepError(`${excerpt(output)}\nebs  failed: ${title} (status ${code})\n${hint}`, 1)
}

const ended = (child) =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }))
    child.once('close', (code) => resolve({ code }))
  })

function stopOnSignal(child) {
  const state = { signal: undefined, stop }
  let timer
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const onSignal = (signal) => {
    if (state.signal) return
    state.signal = signal
    killGroup(child, 'SIGTERM')
    timer = setTimeout(() => killGroup(child, 'SIGKILL'), stopMsMax)
  }
  for (const signal of signals) process.on(signal, onSignal)
  function stop() {
    clearTimeout(timer)
    for (const signal of signals) process.off(signal, onSignal)
  }
  return state
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // It ended by itself meanwhile.
    if (error.code !== 'ESRCH') throw error
  }
}

function showProgress(title, startedAt) {
  const seconds = () => Math.round((Date.now() - startedAt) / 1000)
  const isTerminal = process.stdout.isTTY === true
  let shown = false
  const timer = setInterval(
    () => {
      if (Date.now() - startedAt < showAfterMs) return
      shown = true
      if (isTerminal) process.stdout.write(`\rebs  ${title} ... ${seconds()} s `)
      else console.log(`ebs  ${title} ... ${seconds()} s`)
    },
    isTerminal ? tickMs : linesEveryMs,
  )
  return {
    stop() {
      clearInterval(timer)
      if (shown && isTerminal) process.stdout.write('\n')
    },
  }
}

/** The beginning and the end; warnings of npm are left out, because what failed is not among them. */
function excerpt(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('npm warn'))
  if (lines.length <= headLinesMax + tailLinesMax) return lines.join('\n')
  return [...lines.slice(0, headLinesMax), '...', ...lines.slice(-tailLinesMax)].join('\n')
}
