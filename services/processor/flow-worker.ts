import { z } from 'zod'
import { Unrecoverable } from '../../shared/bus/retry.ts'
import { answered, failed, type Worker } from '../../shared/flow/worker.ts'

/** What the example flow calls. */
const NAMES = ['install', 'validate', 'uninstall']
/** `fault` says who is not to answer, for the sake of the example. */
const input = z.object({ item: z.int().min(1), fault: z.enum(['worker', 'backend']).optional() })
/** Below, the backend succeeded. */
const FAILED_STATUS_MIN = 400

/** The worker of the example flow: hands each call to its backend, and what the backend answers to the hub. */
export const flowWorker: Worker = {
  onCall(call) {
    if (!NAMES.includes(call.name))
      throw new Unrecoverable(`There is no call '${call.name}'. Known are ${NAMES.join(', ')}.`)
    const parsed = input.safeParse(call.input)
    if (!parsed.success)
      throw new Unrecoverable(`The input of ${call.name} has mistakes: ${z.prettifyError(parsed.error)}`)
    if (parsed.data.fault === 'worker') return undefined
    return { ...call, type: 'FLOW_BACKEND_REQUESTED' }
  },
  onBackendAnswer({ status, output, error = `The backend answered with status ${status} and no error.`, ...call }) {
    return status < FAILED_STATUS_MIN ? answered(call, output) : failed(call, { status, error })
  },
}
