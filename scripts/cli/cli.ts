import { isLoopback } from '../../shared/service/loopback.ts'
import type { ServiceName } from '../services.ts'
import { type Api, openApi } from './api.ts'
import { type Paint, painter } from './colour.ts'
import { type CliConfig, hasUser, maskUser, WITHOUT_USER } from './config.ts'
import { UsageError } from './exit-code.ts'
import type { Sheet } from './table.ts'
import type { Terminal } from './terminal.ts'

/** What surrounds a command line; tests give their own. */
export type Surroundings = {
  readonly terminal: Terminal
  readonly config: CliConfig
  readonly now: () => number
  /** Between two looks at a job that is followed. */
  readonly pollMs: number
  /** Between two looks of `--watch`. */
  readonly watchMs: number
}

/** What a verb works with. */
export type Cli = Surroundings & {
  /** Programs read the answer. */
  readonly isJson: boolean
  /** What was asked for; undefined: a table. */
  readonly format: Format | undefined
  /** Who acts. */
  readonly actor: string
  readonly paint: Paint
  api(service: ServiceName): Api
  /** Says something to a person; never on stdout. */
  say(text: string): void
  /** Prints the answer: the value itself as JSON, or what is rendered of it. */
  answer(value: unknown, render: (sheet: Sheet) => string): void
}

/** `ndjson`: json without line breaks, and of a list a line per item. */
export type Format = 'table' | 'json' | 'ndjson'

export type Wishes = {
  readonly output: Format | undefined
  readonly url: string | undefined
  readonly actor: string | undefined
  /** Answers follow one another: each a page of its own, or a line of JSON. */
  readonly isWatched: boolean
}

const CLEAR_SCREEN = '\x1b[2J\x1b[H'
const JSON_INDENT = 2

export function openCli(surroundings: Surroundings, { output, url, actor, isWatched }: Wishes): Cli {
  const { terminal, config } = surroundings
  if (url !== undefined && !/^https?:\/\//.test(url))
    throw new UsageError(`--url: "${maskUser(url)}" does not begin with http://.`)
  if (url !== undefined && hasUser(url)) throw new UsageError(`--url: "${maskUser(url)}" is not ${WITHOUT_USER}.`)
  const isJson = output === 'json' || output === 'ndjson'
  const indent = isWatched || output === 'ndjson' ? 0 : JSON_INDENT
  const paint = painter(terminal.out, config.isColourful)
  const sheet = () => ({ width: terminal.out.isTTY ? terminal.out.columns : undefined, paint })
  const say = (text: string) => void terminal.err.write(`${text}\n`)
  let hasWarned = false
  return {
    ...surroundings,
    isJson,
    format: output,
    actor: actor ?? config.actor,
    paint,
    api(service) {
      const place = url ?? config.urls.get(service) ?? ''
      if (config.token !== undefined && !hasWarned && isOpenToAll(place)) {
        hasWarned = true
        say(`EBS_TOKEN goes to ${place} unencrypted: whoever is on the way can use it. Take an https:// address.`)
      }
      return openApi(service, place, config.token)
    },
    say,
    answer(value, render) {
      const text = isJson ? JSON.stringify(value, null, indent) : render(sheet())
      const before = isWatched && !isJson && terminal.out.isTTY ? CLEAR_SCREEN : ''
      terminal.out.write(`${before}${text}\n`)
    },
  }
}

/** Plain HTTP to another machine. */
function isOpenToAll(url: string): boolean {
  const { protocol, hostname } = URL.parse(url) ?? {}
  return protocol === 'http:' && !isLoopback((hostname ?? '').replace(/^\[|\]$/g, ''))
}
