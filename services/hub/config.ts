import { resolve } from 'node:path'
import type { CallPolicy } from '../../shared/flow/hub.ts'
import { checkNesting, flowDeadlineMs } from '../../shared/flow/nesting.ts'
import { type Env, readServiceConfig } from '../../shared/service/config.ts'
import { ConfigError, type Mistake } from '../../shared/service/errors.ts'
import { oneOf, text, urlOf, wholeNumber } from '../../shared/service/settings.ts'

const TEN_MINUTES_MS = 600_000
const HOUR_MS = 3_600_000
/** Ten years: whoever keeps longer than that copies elsewhere. */
const KEEP_HOURS_MAX = 87_600
/** As long as the delay ladder reaches, 30 days: what is older than that and open is late by any measure. */
const OVERDUE_MS_MAX = 2_592_000_000
/** Ten years. */
const AUDIT_DAYS_MAX = 3_650
const SITE = /^[a-z0-9]{1,16}$/
/** The document of a flow grows with every attempt at each of its calls. */
const RETRIES_MAX = 25

export type HubConfig = ReturnType<typeof hubConfig>

/** Reads the environment; all attempts at a call must fit into the hub's deadline, and that into what a client waits. */
export function hubConfig(env?: Env) {
  const config = readServiceConfig(
    {
      name: 'hub',
      port: 8081,
      queues: ['hub_consume', 'hub_work'],
      own: {
        EBS_FLOW_CALL_TIMEOUT_MS: wholeNumber({ min: 10, max: TEN_MINUTES_MS }).default(2_000),
        EBS_FLOW_CALL_RETRIES: wholeNumber({ min: 0, max: RETRIES_MAX }).default(2),
        EBS_FLOW_CALL_BACKOFF_MS: wholeNumber({ min: 0, max: TEN_MINUTES_MS }).default(200),
        EBS_FLOW_DEADLINE_MS: flowDeadlineMs,
        EBS_FLOW_DEADLINE_WHILE_PARKED: oneOf('runs', 'frozen').default('runs'),
        EBS_GROUP_DEADLINE_WHILE_PARKED: oneOf('runs', 'frozen').default('runs'),
        EBS_JOURNEY_DEADLINE_WHILE_PARKED: oneOf('runs', 'frozen').default('runs'),
        /** Missing: by the times that journeys of the same type took. */
        EBS_JOURNEY_OVERDUE_MS: wholeNumber({ min: 1_000, max: OVERDUE_MS_MAX }).optional(),
        /** A folder of definitions that are registered at start. */
        EBS_DEFINITIONS_DIR: text.optional(),
        /** Told of journeys that need a person. */
        EBS_REMEDIATION_WEBHOOK: urlOf(['http:', 'https:'], 'https://chat.example.com/hooks/journeys').optional(),
        /** Stands in the ids of journeys that are made here. */
        EBS_SITE: text.regex(SITE, { error: '1 to 16 small letters and digits' }).default('main'),
        /** Folders of the hub's database and of the one that stands in for it; the data directory, and none. */
        EBS_HUB_STORE_PRIMARY: text.optional(),
        EBS_HUB_STORE_SECONDARY: text.optional(),
        /** The one that is going to be away. */
        EBS_HUB_STORE_OUT: oneOf('primary', 'secondary').optional(),
        EBS_AUDIT_DAYS: wholeNumber({ min: 1, max: AUDIT_DAYS_MAX }).default(90),
        EBS_EARLY_KEEP_MS: wholeNumber({ min: 0, max: HOUR_MS }).default(60_000),
        EBS_HUB_KEEP_HOURS: wholeNumber({ min: 1, max: KEEP_HOURS_MAX }).default(24),
        EBS_HUB_KEEP_FAILED_HOURS: wholeNumber({ min: 1, max: KEEP_HOURS_MAX }).default(168),
      },
    },
    env,
  )
  const { own, waitMsMax } = config
  const flow = {
    deadlineMs: own.EBS_FLOW_DEADLINE_MS,
    call: {
      timeoutMs: own.EBS_FLOW_CALL_TIMEOUT_MS,
      retries: own.EBS_FLOW_CALL_RETRIES,
      backoffMs: own.EBS_FLOW_CALL_BACKOFF_MS,
    },
  }
  const { stores, mistakes: ofStores } = storesOf(config)
  const mistakes = [...checkNesting({ call: flow.call, hubDeadlineMs: flow.deadlineMs, waitMsMax }), ...ofStores]
  if (mistakes.length > 0) throw new ConfigError(mistakes)
  const frozenWhileParked: ReadonlySet<string> = new Set([
    ...(own.EBS_GROUP_DEADLINE_WHILE_PARKED === 'frozen' ? ['group'] : []),
    ...(own.EBS_FLOW_DEADLINE_WHILE_PARKED === 'frozen' ? ['flow'] : []),
    ...(own.EBS_JOURNEY_DEADLINE_WHILE_PARKED === 'frozen' ? ['journey'] : []),
  ])
  return { ...config, flow, stores, frozenWhileParked, nesting: nestingOf(flow, waitMsMax) }
}

type StoreSettings = {
  readonly dataDir: string
  readonly own: {
    readonly EBS_HUB_STORE_PRIMARY?: string | undefined
    readonly EBS_HUB_STORE_SECONDARY?: string | undefined
    readonly EBS_HUB_STORE_OUT?: 'primary' | 'secondary' | undefined
  }
}

type Stores = {
  readonly primary: string
  readonly secondary: string
  readonly out: 'primary' | 'secondary' | undefined
}

/** The folders of two stores, undefined for one store; and what is wrong with them. */
function storesOf({ dataDir, own }: StoreSettings): { stores: Stores | undefined; mistakes: readonly Mistake[] } {
  const { EBS_HUB_STORE_PRIMARY: primary = dataDir, EBS_HUB_STORE_SECONDARY: secondary, EBS_HUB_STORE_OUT: out } = own
  const mistake = (accepted: string) => ({
    stores: undefined,
    mistakes: [{ variable: 'EBS_HUB_STORE_SECONDARY', given: secondary, accepted }],
  })
  if (secondary === undefined)
    return own.EBS_HUB_STORE_PRIMARY === undefined && out === undefined
      ? { stores: undefined, mistakes: [] }
      : mistake('the folder of the second store, because EBS_HUB_STORE_PRIMARY or EBS_HUB_STORE_OUT is set')
  if (resolve(primary) === resolve(secondary))
    return mistake('another folder than that of the primary store, best on another disk')
  return { stores: { primary, secondary, out }, mistakes: [] }
}

/** The sums, for the log. */
function nestingOf({ deadlineMs, call }: { deadlineMs: number; call: CallPolicy }, waitMsMax: number): string {
  const { timeoutMs, retries, backoffMs } = call
  const sum = `${retries + 1} attempts x (${timeoutMs} + ${backoffMs} ms) = ${(retries + 1) * (timeoutMs + backoffMs)} ms`
  return `${sum} < hub deadline ${deadlineMs} ms < EBS_WAIT_MS_MAX ${waitMsMax} ms`
}
