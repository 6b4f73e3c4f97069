import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { readCopy } from '../../shared/store/copies.ts'
import type { BenchVhost } from '../bench/vhost.ts'
import type { Running } from '../running.ts'
import { startService } from '../service-process.ts'
import type { ServiceName } from '../services.ts'

const READY_MS_MAX = 60_000
const WAIT_MS_MAX = 60_000
const ASK_AGAIN_MS = 50
const STOP_MS_MAX = 20_000

const counted = z.object({ n: z.int() })

type Env = Readonly<Record<string, string>>
export type Reply = { readonly status: number; readonly json: unknown }

/** A compiled ebs of any version as processes on a virtual host of their own; only HTTP, the broker and signals are used of it. */
export class OldSystem {
  readonly dataDir: string
  readonly #folder: string
  readonly #program: string
  readonly #vhost: BenchVhost
  readonly #running = new Map<ServiceName, { readonly process: Running; readonly url: string }>()

  static async open(program: string, vhost: BenchVhost): Promise<OldSystem> {
    const folder = await mkdtemp(join(tmpdir(), 'ebs-release-'))
    await mkdir(join(folder, 'data'))
    return new OldSystem(folder, program, vhost)
  }

  private constructor(folder: string, program: string, vhost: BenchVhost) {
    this.#folder = folder
    this.dataDir = join(folder, 'data')
    this.#program = program
    this.#vhost = vhost
  }

  /** Starts a service; resolves when it is ready. */
  async start(name: ServiceName, env: Env = {}): Promise<void> {
    let output = ''
    const process = await startService({
      ...{ name, root: this.#program, program: join(this.#program, 'dist', 'services', name, 'main.js') },
      env: {
        EBS_AMQP_URL: this.#vhost.amqpUrl,
        EBS_AMQP_MANAGEMENT_URL: this.#vhost.managementUrl,
        EBS_DATA_DIR: this.dataDir,
        [`EBS_${name.toUpperCase()}_PORT`]: '0',
        ...env,
      },
      stopMsMax: STOP_MS_MAX,
      output: (chunk) => {
        output += chunk.toString()
      },
    })
    const url = await until(`${name} to listen`, () => /"url":"(http:[^"]+)"/.exec(output)?.[1], READY_MS_MAX).catch(
      async (error: unknown) => {
        await process.kill()
        throw new Error(`${name} did not start. It said:\n${output}`, { cause: error })
      },
    )
    this.#running.set(name, { process, url })
    const isReady = async () => ((await this.ask(name, '/health/ready')).status === 200 ? true : undefined)
    await until(`${name} to be ready`, isReady, READY_MS_MAX)
  }

  /** As a crash of its machine would: nothing is finished, settled or closed. */
  async kill(name: ServiceName): Promise<void> {
    await this.#running.get(name)?.process.kill()
    this.#running.delete(name)
  }

  /** In order. */
  async stop(name: ServiceName): Promise<void> {
    await this.#running.get(name)?.process.stop()
    this.#running.delete(name)
  }

  async ask(name: ServiceName, path: string, json?: unknown): Promise<Reply> {
    const running = this.#running.get(name)
    if (!running) throw new Error(`${name} does not run.`)
    const response = await fetch(`${running.url}${path}`, {
      ...(json !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(json),
      }),
    })
    const text = await response.text()
    return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : text }
  }

  /** Rows in the outbox of a store whose service was killed. */
  pendingIn(file: string): number {
    return readCopy(join(this.dataDir, file), (read) => read.get(counted, 'select count(*) as n from outbox')?.n ?? 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#running.keys()]) await this.kill(name)
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Asks until there is something. Throws when the time is over. */
export async function until<T>(
  title: string,
  ask: () => T | undefined | Promise<T | undefined>,
  withinMs = WAIT_MS_MAX,
): Promise<T> {
  const giveUpAtMs = performance.now() + withinMs
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (performance.now() > giveUpAtMs) throw new Error(`Waited ${withinMs / 1_000} s in vain for ${title}.`)
    await pause(ASK_AGAIN_MS)
  }
}

/** The version that a folder with ebs says it is. */
export async function packageOf(program: string): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(join(program, 'package.json'), 'utf8'))
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version)
  throw new Error(`${program} is no ebs: its package.json has no version.`)
}
