import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { describeExit, type Exit } from '../../scripts/running.ts'
import type { ServiceName } from '../../scripts/services.ts'
import { waitUntil } from './wait-until.ts'

const root = join(import.meta.dirname, '..', '..')
const logLine = z.looseObject({ level: z.string(), msg: z.string() })
export type LogLine = z.infer<typeof logLine>

export type ProcessOptions = {
  readonly service: ServiceName
  /** Names it in failures and its log file. */
  readonly name: string
  /** The whole environment: nothing of the developer's own gets in. */
  readonly env: Readonly<Record<string, string>>
  /** Where its log is kept as evidence. */
  readonly logFile: string
}

/** A service as a process of its own, compiled, as users run it. It can be ended and started again under the same name. */
export class ServiceProcess {
  readonly name: string
  readonly service: ServiceName
  readonly #options: ProcessOptions
  #child: ChildProcess
  #exited: Promise<Exit>
  #exit: Exit | undefined
  #output = ''

  constructor(options: ProcessOptions) {
    this.#options = options
    this.name = options.name
    this.service = options.service
    ;[this.#child, this.#exited] = this.#spawn()
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get isAlive(): boolean {
    return this.#exit === undefined
  }

  /** How it ended. */
  get exited(): Promise<Exit> {
    return this.#exited
  }

  /** All that it has written since it was last started, stderr too. */
  get output(): string {
    return this.#output
  }

  /** The log since it was last started. */
  get lines(): readonly LogLine[] {
    return this.#output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => logLine.parse(JSON.parse(line)))
  }

  /** Where it listens. Throws as long as it has not said so. */
  get url(): string {
    const [, url] = /"url":"(http:[^"]+)"/.exec(this.#output) ?? []
    if (url === undefined) throw new Error(`${this.name} is not running yet. It says:\n${this.#output}`)
    return url
  }

  /** Resolves when it says that it is running; rejects at once when it has ended instead. */
  async running(): Promise<void> {
    await waitUntil(() => (this.#exit === undefined ? this.url : undefined))
    if (this.#exit) throw new Error(`${this.name} ended: ${describeExit(this.#exit)}. It said:\n${this.#output}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.signal(signal)
    return this.#exited
  }

  /** Starts it again after it has ended; resolves when it says that it is running. */
  async restart(): Promise<void> {
    if (this.#exit === undefined) throw new Error(`${this.name} still runs: end it first.`)
    this.#exit = undefined
    this.#output = ''
    ;[this.#child, this.#exited] = this.#spawn()
    await this.running()
  }

  #spawn(): [ChildProcess, Promise<Exit>] {
    const { service, env, logFile } = this.#options
    const child = spawn(process.execPath, [join(root, 'dist', 'services', service, 'main.js')], {
      cwd: root,
      env: { ...env },
      // The channel tells it when this process is gone, so that it never outlives a test run that was killed.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const keep = (chunk: Buffer) => {
      this.#output += chunk.toString()
      appendFileSync(logFile, chunk)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    // On 'close', not 'exit': its last words have been read by then.
    const exited = new Promise<Exit>((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = { code, signal }
        appendFileSync(logFile, `--- ${describeExit(this.#exit)}\n`)
        resolve(this.#exit)
      })
    })
    return [child, exited]
  }
}
