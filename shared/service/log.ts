import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import pretty from 'pino-pretty'
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
  }
  if (!(forPeople ?? (destination === undefined && process.stdout.isTTY))) {
    return destination ? pino(options, destination) : pino(options)
  }
  const lines = pretty({
    sync: true,
    colorize: destination === undefined,
    singleLine: true,
    ignore: 'service',
    messageFormat: '{service}: {msg}',
    translateTime: 'SYS:HH:MM:ss.l',
    ...(destination && { destination }),
  })
  return pino(options, lines)
}

/** A logger whose every line carries the correlation id of the conversation. */
export const withCorrelation = (log: Logger, correlationId: string): Logger => log.child({ correlationId })
