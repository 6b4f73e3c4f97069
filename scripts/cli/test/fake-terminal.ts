import { PassThrough, Writable } from 'node:stream'
import { serviceNames } from '../../services.ts'
import type { CliConfig } from '../config.ts'
import { runCli } from '../run.ts'
import type { Screen } from '../terminal.ts'

export const NOW_MS = Date.parse('2026-03-01T12:00:00Z')

export type Session = {
  /** The service that answers, for all of them. */
  readonly url?: string
  /** Somebody sits there. */
  readonly isTty?: boolean
  readonly columns?: number
  /** What is typed. */
  readonly typed?: string
  readonly config?: Partial<CliConfig>
  /** Told how Ctrl-C is pressed. */
  readonly onRunning?: (pressCtrlC: () => void) => void
  readonly now?: () => number
}

/** Runs one command line as a person would, at a terminal or in a pipe; gives the exit code and what was printed. */
export async function runEbs(argv: readonly string[], session: Session = {}) {
  const { url = 'http://127.0.0.1:9', isTty = false, columns = 80, typed = '', config = {}, onRunning, now } = session
  const [out, err] = [new FakeScreen(isTty, columns), new FakeScreen(isTty, columns)]
  const keyboard = Object.assign(new PassThrough(), { isTTY: isTty })
  keyboard.end(typed)
  const listeners = new Set<() => void>()
  onRunning?.(() => {
    for (const listener of listeners) listener()
  })
  const code = await runCli(argv, {
    terminal: {
      out,
      err,
      in: keyboard,
      onInterrupt(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    config: {
      urls: new Map(serviceNames.map((name) => [name, url])),
      amqpUrl: 'amqp://guest:guest@127.0.0.1:5672',
      amqpManagementUrl: undefined,
      queueType: 'quorum',
      dataDir: 'data',
      token: undefined,
      editor: 'false',
      actor: 'ann@desk',
      isColourful: false,
      ...config,
    },
    now: now ?? (() => NOW_MS),
    pollMs: 1,
    watchMs: 1,
  })
  return { code, out: out.text, err: err.text, listening: listeners.size }
}

class FakeScreen extends Writable implements Screen {
  text = ''
  readonly isTTY: boolean
  readonly columns: number

  constructor(isTTY: boolean, columns: number) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
    this.columns = columns
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.text += String(chunk)
    done()
  }
}
