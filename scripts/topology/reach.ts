import { adviceOn } from '../../shared/bus/amqp-trouble.ts'
import { amqpUrlsIn } from '../../shared/service/amqp-urls.ts'
import { NotDoneError } from '../cli/exit-code.ts'

/** Where a broker is, without its password. */
export const shownUrls = (urls: string): string => amqpUrlsIn(urls).map(withoutPassword).join(',')

/** Why a broker cannot be asked, and what to do. */
export function unreachable(urls: string, error: unknown): NotDoneError {
  const why = error instanceof Error ? error.message || error.name : String(error)
  const todo = adviceOn(error) ?? 'EBS_AMQP_URL says where it is.'
  return new NotDoneError(`The broker at ${shownUrls(urls)} cannot be asked (${why}). ${todo}`, { cause: error })
}

function withoutPassword(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
