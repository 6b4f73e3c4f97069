import { join } from 'node:path'
import { z } from 'zod'
import { Retryable } from '../../../shared/bus/retry.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { ActivityContext } from '../../../shared/flow/activity.ts'
import { OnDemandStore } from '../../../shared/store/on-demand-store.ts'
import type { SqliteTransaction } from '../../../shared/store/sqlite-transaction.ts'
import { migrations } from './schema.ts'

/** Who wants an effect: the order is named after its journey. */
export type Wish = Pick<ActivityContext, 'idempotencyKey' | 'sagaId'> & { readonly activity: string }
/** What an effect gives to the journey, and what it moves on the order's account. */
export type Effect<O> = { readonly output: O; readonly cents?: number }

const FIND = 'select output from effect_rows where key = ?'
const INSERT = 'insert into effect_rows(key, activity, order_id, at, cents, output) values (?, ?, ?, ?, ?, ?)'
const found = z.object({ output: z.string() })

export type EffectsOptions = {
  readonly dataDir: string
  readonly clock: Clock
  /** Share of the requests that fail as a system does which is down: half of those only after the effect. */
  readonly failureRate: number
}

/** What was done in the shop: each effect once, whatever happens to its process or to the answer. */
export class Effects {
  readonly #store: OnDemandStore
  readonly #clock: Clock
  readonly #failureRate: number

  constructor({ dataDir, clock, failureRate }: EffectsOptions) {
    this.#store = new OnDemandStore({ path: join(dataDir, 'shop.db'), migrations })
    this.#clock = clock
    this.#failureRate = failureRate
  }

  /**
   * Makes the effect, unless there is one under this key: then it gives what that one gave. What `make` throws leaves nothing behind.
   * Throws Retryable for a simulated failure.
   */
  async once<S extends z.ZodType>(
    { idempotencyKey, sagaId, activity }: Wish,
    output: S,
    make: (tx: SqliteTransaction, order: string) => Effect<z.output<S>>,
  ): Promise<z.output<S>> {
    const fails = Math.random() < this.#failureRate
    const failsFirst = fails && Math.random() < 0.5
    if (failsFirst) throw this.#failure()
    const given = await this.#store.write((tx) => {
      const before = tx.get(found, FIND, idempotencyKey)
      if (before) return output.parse(JSON.parse(before.output))
      const { cents = 0, ...effect } = make(tx, sagaId)
      tx.run(INSERT, idempotencyKey, activity, sagaId, this.#clock.now(), cents, JSON.stringify(effect.output))
      return effect.output
    })
    if (fails) throw this.#failure()
    return given
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  #failure(): Retryable {
    return new Retryable(`The shop does not answer: simulated failure (EBS_SHOP_FAILURE_RATE=${this.#failureRate}).`)
  }
}
