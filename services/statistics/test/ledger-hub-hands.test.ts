import { expect, test } from 'vitest'
import type { Asker } from '../../../shared/bus/ask.ts'
import { parseEvent, toMessage } from '../../../shared/bus/envelope.ts'
import type { Body } from '../../../shared/events.ts'
import { HubHands } from '../ledger/hub-hands.ts'
import { record } from '../store.ts'
import { START_MS, told } from './history.ts'
import { groupDone, groupOf } from './ledger-history.ts'
import { open } from './scratch.ts'

/** A hub that knows these, and what it was asked for. */
function hubThatHolds(held: ReadonlySet<string>) {
  const asked = new Set<string>()
  const asker: Pick<Asker, 'ask'> = {
    async ask(_queue, body) {
      if (body.type !== 'STANDING_ASKED') return undefined
      for (const id of body.ids) asked.add(id)
      return heard({ type: 'STANDING_TOLD', kind: body.kind, open: body.ids.filter((id) => held.has(id)), ended: [] })
    },
  }
  return { asked, asker }
}

function heard(body: Body) {
  const message = toMessage(body, { id: 'm', service: 'hub', correlationId: 'c', atMs: START_MS })
  const parsed = parseEvent({ ...message, properties: { type: body.type, headers: {} } })
  if (!('data' in parsed)) throw new Error(JSON.stringify(parsed))
  return parsed
}

test('a group that the hub has lost is found while many more are opened and ended all the time', async () => {
  const { store } = await open()
  const held = new Set<string>()
  const hub = hubThatHolds(held)
  const hands = new HubHands(store.read, () => hub.asker)
  const perLook = 1_500
  const lastLooks = 4
  const idsOf = (look: number) => Array.from({ length: perLook }, (_, i) => `g${look}-${i}`)
  const say = (atMs: number, bodies: readonly Body[]) =>
    store.write((tx) =>
      record(
        tx,
        bodies.map((body) => told(body, atMs - START_MS)),
        atMs,
      ),
    )
  await say(START_MS, [groupOf('lost')])
  held.add('lost')

  const found: number[] = []
  for (let look = 1; look <= 30 && found.length === 0; look++) {
    const atMs = START_MS + look * 5_000
    const over = look > lastLooks ? idsOf(look - lastLooks) : []
    await say(atMs, [...idsOf(look).map((id) => groupOf(id)), ...over.map((id) => groupDone(id))])
    for (const id of idsOf(look)) held.add(id)
    for (const id of over) held.delete(id)
    if (look === 4) held.delete('lost')
    const answer = await hands.findUnknown(atMs)
    if ('unknown' in answer && answer.unknown.some(({ id }) => id === 'lost')) found.push(look)
  }

  expect(found).toHaveLength(1)
  expect(hub.asked.size).toBeGreaterThan(perLook)
})
