import { CANARY_MAX, RATE_PER_S_MAX } from '../../shared/operation-events.ts'
import { asNumber, asPercent, asText, choice, flag, required, value } from './options.ts'

/** Items that one command prints at most: who wants more exports the database. */
const LIMIT_MAX = 100_000

/** Of every command; also before the noun. */
export const globals = {
  output: choice(
    '-o, --output <format>',
    'how the answer is printed (default: table); ndjson: json, an item per line',
    ['table', 'json', 'ndjson'],
  ),
  url: value('--url <url>', 'where the API answers, instead of EBS_<SERVICE>_URL or 127.0.0.1', asText),
  actor: value('--actor <name>', 'who acts, for the history (default: user@host)', asText),
}

export const paging = {
  limit: value('--limit <n>', 'items at most (default: 100)', asNumber({ min: 1, max: LIMIT_MAX })),
  cursor: value('--cursor <next>', 'go on where another list ended', asText),
}

export const why = { reason: required('--reason <text>', 'why, for the history', asText) }

export const agreeing = {
  yes: flag('-y, --yes', 'do not ask'),
  dryRun: flag('--dry-run', 'only count the messages that it concerns'),
}

/** How a replay goes about it. */
export const pacing = {
  canary: value(
    '--canary <k>',
    'so many first; the rest when these are handled (default: 10; 0: none)',
    asNumber({ min: 0, max: CANARY_MAX }),
  ),
  rate: value(
    '--rate <n>',
    'messages per second at most',
    asNumber({ min: 0.01, max: RATE_PER_S_MAX, isWhole: false }),
  ),
  maxFailure: value('--max-failure <percent>', 'stop when more than that fail again (default: 10)', asPercent),
  ordered: flag('--ordered', 'one after another, each handled before the next; the first failure stops it'),
}

export const waiting = { wait: flag('--no-wait', 'do not follow the job; `ebs replay watch <id>` does') }

/** The pacing as the API takes it: only what was given. */
export const pacingBody = (given: {
  readonly canary: number | undefined
  readonly rate: number | undefined
  readonly maxFailure: number | undefined
  readonly ordered: boolean
}) => ({
  canary: given.canary,
  rate: given.rate,
  maxFailure: given.maxFailure,
  ...(given.ordered && { ordered: true }),
})
