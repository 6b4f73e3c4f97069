import type { Clock } from '../clock.ts'
import type { Store, Transaction, Watched } from './store.ts'

/** Of no queue that there is. */
const NO_QUEUE = 'ebs.trial'
/** Large enough to need new pages of a file; what is left of it afterwards are free ones, which the next try uses again. */
const ID = 'x'.repeat(64 * 1024)

/** How writing to a store goes, and a way to find out: what is tried is taken away in the same transaction, so nobody ever sees it. */
export const writingOf = <Tx extends Transaction>(
  store: Pick<Store<Tx>, 'write'> & Watched,
  clock: Pick<Clock, 'now'>,
) => ({
  findFailure: () => store.writeFailure,
  tryWrite: () =>
    store.write(async (tx) => {
      await tx.recordFirstSeen(NO_QUEUE, [ID], clock.now())
      await tx.forget(NO_QUEUE, [ID])
    }),
})
