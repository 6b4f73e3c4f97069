import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Outage } from './failover-election.ts'
import type { SiteOptions } from './failover-site.ts'

/** How two stores are opened as one. */
export type FailoverOptions = {
  /** Paths of the two files. */
  readonly primary: string
  readonly secondary: string
  readonly out?: Outage
  readonly open: SiteOptions['open']
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly clock?: Clock
  /** Look after the stores from time to time; a test does so itself. */
  readonly isTended?: boolean
}
