import { toMermaid } from '../../shared/flow/journey/definition-mermaid.ts'
import { actVerb } from '../cli/acting.ts'
import { conversationFilters, conversationQuery } from '../cli/conversations.ts'
import { findDefinition, readRegistered } from '../cli/definition.ts'
import { NotDoneError } from '../cli/exit-code.ts'
import { type Journey, journeySchema, journeyText, typeText } from '../cli/journey-picture.ts'
import { type Item, listVerb } from '../cli/listing.ts'
import { asText, value } from '../cli/options.ts'
import { detailOf, pathOf } from '../cli/showing.ts'
import { verb } from '../cli/verb.ts'
import { ageOf, lineOf } from '../cli/wording.ts'
import { exportVerb } from './journey-export.ts'
import { startVerb } from './journey-start.ts'

const place = { service: 'hub', path: '/api/journeys' } as const
const example = '0190c5a0-7d3e-7000-8000-000000000001.main'

export const verbs = [
  startVerb,
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List journeys, newest first.',
    examples: [
      'ebs journey list --open',
      'ebs journey list --type order --status NEEDS_REMEDIATION',
      'ebs journey list --open --older 10m -o ndjson',
    ],
    filters: {
      ...conversationFilters,
      type: value('--type <type>', 'only of this type', asText),
      attention: value('--attention <why>', 'remediation, overdue, unknown-type or any: a person should look', asText),
    },
    query: ({ type, attention, ...given }, nowMs) => ({ ...conversationQuery(given, nowMs), type, attention }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'TYPE', of: ({ type }) => type },
      { head: 'VERSION', of: ({ version }) => version, isNumber: true, isMinor: true },
      { head: 'STATUS', of: ({ status }) => status, isWhole: true, isStatus: true },
      { head: 'ATTENTION', of: ({ attention }) => attention, isMinor: true },
      { head: 'TENANT', of: ({ tenant }) => tenant, isMinor: true },
      { head: 'AGE', of: ({ createdAt }) => ageOf(createdAt, nowMs), isNumber: true },
      { head: 'CHANGED', of: ({ changedAt }) => ageOf(changedAt, nowMs), isNumber: true, isMinor: true },
    ],
    none: 'There are no such journeys.',
  }),
  verb({
    name: 'show <id>',
    says: 'Show one journey: its steps as a graph with their states, attempts and errors, and its history.',
    examples: [
      `ebs journey show ${example}`,
      `ebs journey show ${example} --step charge`,
      `ebs journey show ${example} -o json`,
    ],
    options: { step: value('--step <name>', 'only this step, with its input and output', asText) },
    isWatchable: true,
    async run(cli, { step: name }, [id = '']) {
      const journey = await cli.api('hub').get(pathOf(place.path, id), journeySchema)
      if (name === undefined) cli.answer(journey, (sheet) => journeyText(journey, sheet, cli.now()))
      else {
        const step = stepOf(journey, name)
        cli.answer(step, (sheet) => detailOf(step, sheet))
      }
      return undefined
    },
  }),
  verb({
    name: 'mermaid <id>',
    says: 'Print one journey as a mermaid flowchart, its steps coloured by their states.',
    examples: [`ebs journey mermaid ${example}`],
    options: {},
    async run(cli, _given, [id = '']) {
      const hub = cli.api('hub')
      const { type, version, activities } = await hub.get(pathOf(place.path, id), journeySchema)
      if (version === 0)
        throw new NotDoneError(`The journey waits for somebody to register its type ${type}: there is nothing to draw.`)
      const definition = readRegistered(await findDefinition(hub, type, version))
      const states = Object.fromEntries(Object.entries(activities).map(([name, { state }]) => [name, state]))
      const mermaid = toMermaid(definition, states)
      cli.answer({ mermaid }, () => mermaid.trimEnd())
      return undefined
    },
  }),
  actVerb({
    ...place,
    act: 'cancel',
    says: 'End one journey now; what it had done stays as it is. To take that back: ebs remediation compensate',
    examples: [`ebs journey cancel ${example} --reason 'ordered twice'`],
    options: {},
    body: () => ({}),
    done: (id, { status }) => `The journey ${id} is ${lineOf(status)}.`,
  }),
  exportVerb,
]

/** Throws NotDoneError. */
function stepOf(journey: Journey, name: string): Item {
  const { activities, id } = journey
  const step = Object.hasOwn(activities, name) ? activities[name] : undefined
  if (step) return { step: name, ...step }
  const names = Object.keys(activities).join(', ')
  throw new NotDoneError(`The journey ${id} (${typeText(journey)}) has no step ${name}, only ${names || 'none yet'}.`)
}
