import { createRequire } from 'node:module'
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { activeFields } from '../tracing/log-fields.ts'
import { redactUrl } from './redact.ts'

export type { Logger } from 'pino'

export type LogOptions = {
  /** Name that every line carries. */
  readonly service: string
  readonly level: string
  /** For people; when missing: whether stdout is a terminal. */
  readonly pretty?: boolean
  /** When missing: stdout. */
  readonly destination?: DestinationStream
}

const STDOUT = 1
const secrets = ['authorization', 'cookie', 'password', 'secret', 'token']

/**
 * A service's log: coloured lines on a terminal, JSON otherwise. Written at once, so that the last line before a crash is
 * there. Passwords in URLs are masked wherever they turn up in a line, headers and fields that hold secrets by their name.
 */
export function createLog({ service, level, pretty: forPeople, destination }: LogOptions): Logger {
  const options = {
    level,
    base: { service },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '***',
    },
    hooks: { streamWrite: redactUrl },
    mixin: activeFields,
  }
  const out = destination ?? pino.destination({ fd: STDOUT, sync: true })
  if (!(forPeople ?? (destination === undefined && process.stdout.isTTY))) return pino(options, out)
  // Only for a terminal: its thirty files take 20 ms to load. An import would have to be waited for.
  const { prettyFactory }: typeof import('pino-pretty') = createRequire(import.meta.url)('pino-pretty')
  const readable = prettyFactory({
    colorize: destination === undefined,
    singleLine: true,
    ignore: 'service',
    messageFormat: '{service}: {msg}',
    translateTime: 'SYS:HH:MM:ss.l',
  })
  return pino(options, { write: (line) => void out.write(readable(line)) })
}

/** A logger whose every line carries the correlation id of the conversation. */
export const withCorrelation = (log: Logger, correlationId: string): Logger => log.child({ correlationId })
