import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Held, HeldFilter, HeldState, HeldTransaction } from '../held-messages.ts'
import type { HubStore } from '../hub-store.ts'
import { MemoryHubStore } from '../memory-hub-store.ts'
import { content, dead, openSqliteHub } from './held-fixture.ts'

/** A plain list that does what the verbs say, one after another; `seen` is when a row was last known to lie in its place. */
type Model = { rows: { held: Held; seen: number; failing: boolean }[]; edited: Map<string, string | null> }

const ids = ['a', 'b', 'c', 'd', 'e', 'f']
const id = fc.constantFrom(...ids)
const some = fc.uniqueArray(id, { maxLength: 4 })
const job = fc.constantFrom('j', 'k')
const time = fc.integer({ min: 0, max: 9 })
const places = ['x.dead', 'ebs.sideline.r.x', 'y.dead']
const place = fc.constantFrom(...places)

const row = fc.record({ id, place, atMs: time, changedAtMs: time, bug: fc.constantFrom('p', 'q'), tenant: job }).map(
  ({ id, place, atMs, changedAtMs, bug, tenant }): Held =>
    dead(id, {
      ...{ place, queue: place.slice(-6, -5), tenant, heldAtMs: atMs, changedAtMs, correlationId: tenant },
      ...(place.startsWith('ebs.') ? { rule: 'r#1', fingerprint: null } : { fingerprint: bug, error: bug }),
    }),
)

type Act = { readonly on: (held: HeldTransaction) => unknown; readonly model: (model: Model) => unknown }

const inPlace: readonly HeldState[] = ['held', 'chosen']
const unmoved: readonly HeldState[] = [...inPlace, 'gone']
const unsettled: readonly HeldState[] = [...inPlace, 'released']

/** Changes the rows that `which` picks; how many. */
function change(model: Model, which: (row: Model['rows'][number]) => boolean, to: Partial<Held>, more = {}): number {
  const picked = model.rows.filter(which)
  model.rows = model.rows.map((row) => (picked.includes(row) ? { ...row, ...more, held: { ...row.held, ...to } } : row))
  return picked.length
}

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.array(row, { maxLength: 4 }).map(
    (rows): Act => ({
      on: (held) => held.addHeld(rows),
      model: (model) =>
        rows.flatMap((one) => {
          if (model.rows.some(({ held }) => held.id === one.id)) return []
          model.rows.push({ held: one, seen: one.changedAtMs, failing: false })
          return one.id
        }),
    }),
  ),
  fc.record({ job, some, time }).map(
    ({ job, some, time }): Act => ({
      on: (held) => held.choose(job, some, time),
      model: (model) =>
        change(model, ({ held }) => some.includes(held.id) && held.state === 'held', {
          ...{ state: 'chosen', job, changedAtMs: time },
        }),
    }),
  ),
  fc.record({ job, time }).map(
    ({ job, time }): Act => ({
      on: (held) => held.unchoose(job, time),
      model: (model) =>
        change(model, ({ held }) => held.job === job && held.state === 'chosen', {
          ...{ state: 'held', job: null, changedAtMs: time },
        }),
    }),
  ),
  fc.record({ job, some, time, state: fc.constantFrom('released', 'released', 'discarded', 'archived') }).map(
    ({ job, some, time, state }): Act => ({
      on: async (held) => void (await held.moved(job, some, state, time)),
      model: (model) =>
        void change(model, ({ held }) => some.includes(held.id) && unmoved.includes(held.state), {
          ...{ state, job, changedAtMs: time },
        }),
    }),
  ),
  fc.record({ id, outcome: fc.constantFrom('handled', 'dead', 'parked'), time }).map(
    ({ id, outcome, time }): Act => ({
      on: (held) => held.settle(id, outcome, time),
      model: (model) =>
        change(model, ({ held }) => held.id === id && held.state === 'released', {
          state: outcome,
          changedAtMs: time,
        }) > 0,
    }),
  ),
  fc.record({ id, time }).map(
    ({ id, time }): Act => ({
      on: (held) => held.noteFailing(id, `failed at ${time}`, time),
      model: (model) =>
        change(
          model,
          ({ held, failing }) => held.id === id && held.state === 'released' && !failing,
          { error: `failed at ${time}`, changedAtMs: time },
          { failing: true },
        ) > 0,
    }),
  ),
  fc.record({ place, some, time }).map(
    ({ place, some, time }): Act => ({
      on: async (held) => void (await held.markSeen(place, some, time)),
      model: (model) => {
        const isHere = ({ held }: Model['rows'][number]) => held.place === place && some.includes(held.id)
        change(model, (row) => isHere(row) && inPlace.includes(row.held.state), {}, { seen: time })
        change(
          model,
          (row) => isHere(row) && row.held.state === 'gone',
          { state: 'held', job: null, changedAtMs: time },
          { seen: time },
        )
      },
    }),
  ),
  fc.record({ place, time }).map(
    ({ place, time }): Act => ({
      on: (held) => held.markGone(place, time),
      model: (model) =>
        change(model, ({ held, seen }) => held.place === place && inPlace.includes(held.state) && seen < time, {
          ...{ state: 'gone', changedAtMs: time },
        }),
    }),
  ),
  time.map(
    (time): Act => ({
      on: (held) => held.removeSettled(time, 100),
      model: (model) => {
        const isOver = ({ held }: Model['rows'][number]) => !unsettled.includes(held.state) && held.changedAtMs < time
        const over = model.rows.filter(isOver)
        model.rows = model.rows.filter((row) => !isOver(row))
        for (const { held } of over) model.edited.delete(held.id)
        return over.length
      },
    }),
  ),
  fc.record({ id, edited: fc.option(fc.constant('ann: why')) }).map(
    ({ id, edited }): Act => ({
      on: async (held) => void (await held.keepContents([content(id, 'body', edited)])),
      model: ({ edited: known }) => void known.set(id, edited ?? known.get(id) ?? null),
    }),
  ),
  job.map(
    (thread): Act => ({
      on: (held) => held.isParked(thread),
      model: ({ rows }) =>
        rows.some(({ held }) => held.correlationId === thread && held.rule !== null && inPlace.includes(held.state)),
    }),
  ),
  fc.record({ job, place }).map(
    ({ job, place }): Act => ({
      on: (held) => held.countMoved(job, place),
      model: ({ rows }) =>
        rows.filter(({ held }) => held.job === job && held.place === place && !unmoved.includes(held.state)).length,
    }),
  ),
)

const filters: readonly HeldFilter[] = [
  ...[{}, { isParked: true }, { isParked: false }, { placePrefix: 'ebs.' }, { job: 'j' }, { states: inPlace }],
  ...[{ fingerprint: 'p' }, { tenant: 'j', states: unsettled }, { queue: 'x', fingerprint: 'q' }, { ids: ['a', 'f'] }],
]

/** Everything that a reader sees, but for cursors. */
async function shown({ held }: HubStore) {
  const groups = [{}, { tenant: 'j' }, { queue: 'x' }].map((filter) => held.listGroups(filter, { limit: 100 }))
  return {
    lists: await Promise.all(filters.map(async (filter) => (await held.listHeld(filter, { limit: 100 })).items)),
    groups: (await Promise.all(groups)).map(({ items }) => items),
    places: await held.countByPlace(),
    threads: [await held.heldOf('j', 100), await held.heldOf('k', 2)],
    jobs: [byState(await held.countOfJob('j')), byState(await held.countOfJob('k'))],
    edited: await Promise.all(ids.map(async (one) => (await held.findContent(one))?.edited)),
  }
}

const byState = (counts: readonly { readonly state: string; readonly count: number }[]) =>
  Object.fromEntries(counts.map(({ state, count }) => [state, count]))

/** The same, of the plain list. */
function expected({ rows, edited }: Model) {
  const oldest = rows.map(({ held }) => held).toSorted((a, b) => a.heldAtMs - b.heldAtMs)
  const lying = oldest.filter(({ state }) => inPlace.includes(state))
  const list = ({ ids, states, placePrefix = '', isParked, ...same }: HeldFilter) =>
    oldest
      .toReversed()
      .filter(
        (held) =>
          Object.entries(same).every(([name, value]) =>
            Object.entries(held).some(([n, v]) => n === name && v === value),
          ) &&
          (ids?.includes(held.id) ?? true) &&
          (states?.includes(held.state) ?? true) &&
          (isParked ?? held.rule !== null) === (held.rule !== null) &&
          held.place.startsWith(placePrefix),
      )
  const group = (name: string, members: readonly Held[]) => {
    const [first, last] = [members[0], members.at(-1)]
    if (!first || !last) return []
    const { queue, type, reason, error, id } = last
    const ends = { firstAtMs: first.heldAtMs, lastAtMs: last.heldAtMs, example: id }
    return { fingerprint: name, queue, type, reason, error: error?.replace(/\d/, '#'), count: members.length, ...ends }
  }
  const groups = (isOf: (held: Held) => boolean) =>
    ['p', 'q']
      .flatMap((name) =>
        group(
          name,
          lying.filter((held) => held.fingerprint === name && isOf(held)),
        ),
      )
      .toSorted((a, b) => b.count - a.count)
  const states = (name: string) => {
    const counts: Record<string, number> = {}
    for (const { held } of rows) if (held.job === name) counts[held.state] = (counts[held.state] ?? 0) + 1
    return counts
  }
  const thread = (name: string) => oldest.filter((one) => one.correlationId === name && unsettled.includes(one.state))
  return {
    lists: filters.map(list),
    groups: [groups(() => true), groups(({ tenant }) => tenant === 'j'), groups(({ queue }) => queue === 'x')],
    places: places
      .toSorted()
      .map((place) => ({ place, count: lying.filter((held) => held.place === place).length }))
      .filter(({ count }) => count > 0),
    threads: [thread('j'), thread('k').slice(0, 2)],
    jobs: [states('j'), states('k')],
    edited: ids.map((one) => edited.get(one)),
  }
}

test.each<[string, () => Promise<HubStore>]>([
  ['sqlite', () => openSqliteHub()],
  ['memory', async () => new MemoryHubStore()],
])('the catalogue in %s is what a plain list would be, whatever is done to it', async (_, open) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(act, { minLength: 1, maxLength: 6 }), { maxLength: 8 }), async (jobs) => {
      const store = await open()
      const model: Model = { rows: [], edited: new Map() }

      for (const acts of jobs) {
        const given = store.write(async (tx) => {
          const results: unknown[] = []
          for (const { on } of acts) results.push(await on(tx.held))
          return results
        })
        expect(await given).toEqual(acts.map(({ model: does }) => does(model)))
        expect(await shown(store)).toEqual(expected(model))
      }

      await store.close()
    }),
    { numRuns: 60 },
  )
})
