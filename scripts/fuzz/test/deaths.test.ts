import { expect, test } from 'vitest'
import type { Received } from '../../../shared/bus/broker.ts'
import { complaintAboutDeaths, type Death, heard } from '../deaths.ts'

const consumed = new Set(heard.map(([queue]) => queue))
const object = { id: 'o', tenant: 't', name: 'n', content: '', createdAt: '2026-01-01T00:00:00Z' }
const message = (key: string, body: unknown): Received => ({
  ...{ exchange: 'ebs', key, properties: { headers: {} } },
  body: Buffer.from(JSON.stringify(body)),
})
const good = message('objects', { type: 'OBJECT_CREATED', object })
const bad = message('objects', { type: 'OBJECT_CREATED', object: { ...object, id: 7 } })
const stranger = message('weather', { type: 'RAIN' })
const group = message('eventbus-collector', { type: 'EventGroupCollectorCreate', id: 'g', expected: [] })
const death = (queue: string, error: string, reason = 'poison'): Death => ({ queue, reason, error, message: good })
const named = 'Unrecoverable: object.id: Invalid input'

test.each<{ what: string; of: Received; deaths: readonly Death[]; complaint: RegExp | undefined }>([
  { what: 'nothing dies of what the schema takes', of: good, deaths: [], complaint: undefined },
  {
    what: 'it dies for no reason',
    of: good,
    deaths: [death('distributor_consume', 'Error: oops', 'exhausted')],
    complaint: /no reason that we know/,
  },
  {
    what: 'a queue does not handle what it hears',
    of: good,
    deaths: [death('distributor_consume', 'Unrecoverable: type: distributor_consume does not handle OBJECT_CREATED')],
    complaint: /hears OBJECT_CREATED and does not handle it/,
  },
  {
    what: 'poison dies once in each queue',
    of: bad,
    deaths: [death('distributor_consume', named), death('statistics', named)],
    complaint: undefined,
  },
  {
    what: 'poison is lost',
    of: bad,
    deaths: [death('statistics', named)],
    complaint: /should have died in distributor/,
  },
  {
    what: 'poison dies twice',
    of: bad,
    deaths: [death('statistics', named), death('statistics', named), death('distributor_consume', named)],
    complaint: /died 2 times in statistics/,
  },
  {
    what: 'the reason names no field',
    of: bad,
    deaths: [death('distributor_consume', 'Error'), death('statistics', named)],
    complaint: /without a reason that names the field/,
  },
  {
    what: 'it dies where it was not sent',
    of: good,
    deaths: [death('process_consume', named)],
    complaint: /where it was not sent/,
  },
  { what: 'a stranger is counted', of: stranger, deaths: [], complaint: undefined },
  { what: 'a stranger dies in statistics', of: stranger, deaths: [death('statistics', named)], complaint: /no reason/ },
  {
    what: 'G8: another group of this id',
    of: group,
    deaths: [
      death(
        'hub_consume',
        'Unrecoverable: a group with this id was opened with another Create, which stands: ...',
        'unrecoverable',
      ),
    ],
    complaint: undefined,
  },
])('what became of a message is judged: $what', ({ of, deaths, complaint }) => {
  const said = complaintAboutDeaths(of, deaths, consumed)

  if (complaint === undefined) expect(said).toBeUndefined()
  else expect(said).toMatch(complaint)
})
