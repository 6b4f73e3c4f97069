import { fileURLToPath } from 'node:url'
import type { ServiceName } from '../services.ts'

/** Journeys whose activities are asked for again and again, so that faults make them late and not a person's business. */
export const JOURNEY_TYPE = 'chaos-order'

/** Seen from dist/scripts/chaos/. */
const definitions = fileURLToPath(new URL('../../../scripts/chaos/definitions', import.meta.url))

/** How long something may be on its way before the ledger compares it: shorter than usual, because somebody waits for its word. */
export const LEDGER_SETTLE_MS = 8_000
const LEDGER_EVERY_MS = 1_000

/**
 * Calls are asked for once, and a flow waits for longer than anybody waits for quiet: a message that is lost is then a flow without an end,
 * and no fault makes one fail that is only late.
 */
const CALL_MS = 500_000
const FLOW_MS = 550_000
const WAIT_MS = 600_000
const flow = { EBS_FLOW_DEADLINE_MS: String(FLOW_MS), EBS_WAIT_MS_MAX: String(WAIT_MS) }
/** A stranger who is cut off between the members of a group and the group itself takes his time. */
const EARLY_KEEP_MS = 900_000

const settings: Partial<Record<ServiceName, Readonly<Record<string, string>>>> = {
  hub: {
    ...flow,
    EBS_DEFINITIONS_DIR: definitions,
    EBS_FLOW_CALL_TIMEOUT_MS: String(CALL_MS),
    EBS_FLOW_CALL_RETRIES: '0',
    EBS_EARLY_KEEP_MS: String(EARLY_KEEP_MS),
  },
  gateway: flow,
  statistics: {
    EBS_LEDGER_SETTLE_MS: String(LEDGER_SETTLE_MS),
    EBS_LEDGER_EVERY_MS: String(LEDGER_EVERY_MS),
  },
}

/** The settings in which a service differs from what `npm start` runs. */
export const serviceSettings = (service: ServiceName) => settings[service] ?? {}
