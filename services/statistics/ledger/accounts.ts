import { z } from 'zod'
import type { SqliteTransaction } from '../../../shared/store/sqlite-transaction.ts'
import { OTHER } from '../sums.ts'
import { type Account, accountOf, type Standing } from './entry.ts'

/** Tenants, and people who discard, that are counted by name; a stranger may invent any number, so the rest is counted together. */
export const NAMES_MAX = 100

/** Who discards what nobody has said a word of for a month (see `retention.ts`). */
export const EXPIRED = '(expired)'

const ADD = `insert into ledger_accounts(kind, tenant, state, queue, by_whom, count) values (?, ?, ?, ?, ?, ?)
  on conflict(kind, tenant, state, queue, by_whom) do update set count = count + excluded.count`
/** Rules come and go; an account of one that is gone would stay for ever. */
const DROP_EMPTY = `delete from ledger_accounts
  where kind = ? and tenant = ? and state = ? and queue = ? and by_whom = ? and count = 0`
const FIND_NAME = 'select 1 as found from ledger_names where role = ? and name = ?'
const ADD_NAME = `insert into ledger_names(role, name)
  select ?, ? where (select count(*) from ledger_names where role = ?) < ${NAMES_MAX}`

type Counted = Omit<Account, 'state'> & { readonly state: Account['state'] | 'accepted' }
type Difference = Counted & { count: number }

/**
 * What a batch changes in the accounts, summed up in memory and written once. What was accepted is counted by itself, when it is accepted,
 * and not made out of the others: that they add up to it is worth something.
 */
export class Accounts {
  readonly #differences = new Map<string, Difference>()

  /** Moves an entry from the account that it stood in to the one that it stands in now. */
  move(before: Standing | undefined, after: Standing | undefined): void {
    const [from, to] = [before && accountOf(before), after && accountOf(after)]
    if (from && to && isSame(from, to)) return
    if (from) this.#add(from, -1)
    if (to) this.#add(to, 1)
    // It has become one, or whose it is has become known.
    if (from?.tenant === to?.tenant) return
    if (from) this.#add(acceptedOf(from), -1)
    if (to) this.#add(acceptedOf(to), 1)
  }

  /** Takes so many entries out of an account into another of the same kind and tenant. */
  shift(from: Account, to: Account, count: number): void {
    this.#add(from, -count)
    this.#add(to, count)
  }

  write(tx: SqliteTransaction): void {
    const written = new Map<string, Difference>()
    for (const difference of this.#differences.values()) {
      const { state, by } = difference
      const tenant = boundedName(tx, 'tenant', difference.tenant)
      const bounded = { ...difference, tenant, by: state === 'discarded' ? boundedName(tx, 'actor', by) : by }
      add(written, bounded, difference.count)
    }
    for (const { kind, tenant, state, queue, by, count } of written.values()) {
      if (count === 0) continue
      tx.run(ADD, kind, tenant, state, queue, by, count)
      if (count < 0 && state === 'parked') tx.run(DROP_EMPTY, kind, tenant, state, queue, by)
    }
  }

  #add(account: Counted, count: number): void {
    add(this.#differences, account, count)
  }
}

function add(differences: Map<string, Difference>, account: Counted, count: number): void {
  const { kind, tenant, state, queue, by } = account
  // No name of ours has a NUL in it; a tenant's that had would only be counted with another.
  const key = `${kind}\0${state}\0${queue}\0${tenant}\0${by}`
  const known = differences.get(key)
  if (known) known.count += count
  else differences.set(key, { kind, tenant, state, queue, by, count })
}

const isSame = (a: Account, b: Account): boolean =>
  a.state === b.state && a.tenant === b.tenant && a.queue === b.queue && a.by === b.by

const acceptedOf = ({ kind, tenant }: Account): Counted => ({ kind, tenant, state: 'accepted', queue: '', by: '' })

const found = z.object({ found: z.number() })

/** A name that is counted by itself, now and ever after, or `(other)`: names are never taken off the list. */
function boundedName(tx: SqliteTransaction, role: 'tenant' | 'actor', name: string): string {
  if (name === EXPIRED || tx.get(found, FIND_NAME, role, name)) return name
  return tx.run(ADD_NAME, role, name, role).changes > 0 ? name : OTHER
}
