import { type EventType, rowOf } from '../../shared/events.ts'
import type { Schema } from '../fuzz/json-schema.ts'
import { bodySchema } from './event-schema.ts'
import { eventTypes } from './event-types.ts'
import { exampleOf } from './example.ts'
import { hearersOf } from './hearers.ts'

const HEAD = `# Events

Every event of the catalogue ([\`shared/events.ts\`](../shared/events.ts)): its routing key on the exchange \`ebs\`, what it means, which queues hear it, its members, and a
body that is taken as it is. Made by \`npm run docs\`; the same for programs: [asyncapi.json](asyncapi.json). The properties and headers of a message are in
[architecture.md](architecture.md#a-message). \`statistics\` hears everything. Members that are not listed are passed over; \`?\` marks those that may be missing.
`

/** The catalogue for people. */
export const eventsPage = (): string => `${[HEAD, contents(), ...eventTypes.map(sectionOf)].join('\n')}`

const contents = () =>
  [
    '| event | key | means |',
    '|---|---|---|',
    ...eventTypes.map((type) => `| [${type}](#${type.toLowerCase()}) | \`${keyOf(type)}\` | ${rowOf(type).meaning} |`),
    '',
  ].join('\n')

function sectionOf(type: EventType): string {
  const { meaning, about, perAttempt, direct } = rowOf(type)
  const heard = hearersOf(type).map((queue) => `\`${queue}\``)
  return [
    `## ${type}`,
    '',
    meaning,
    '',
    direct
      ? `Travels straight to one queue, never over the exchange; \`${keyOf(type)}\` only names it.`
      : `Key \`${keyOf(type)}\`, heard by ${heard.join(', ')}.`,
    ...(about ? [`It is about the ${about[0]} whose id is in \`${about[1]}\`.`] : []),
    ...(perAttempt ? ['Each attempt has an id of its own.'] : []),
    '',
    ...membersTable(bodySchema(type)),
    '```json',
    JSON.stringify(exampleOf(type), null, 2),
    '```',
    '',
  ].join('\n')
}

/** With the field that the last word is taken from. */
function keyOf(type: EventType): string {
  const { key, lastWord } = rowOf(type)
  return lastWord === undefined ? key : key.replace(/\*$/, `<${lastWord}>`)
}

function membersTable(schema: Schema): readonly string[] {
  const rows = membersOf(schema, '').filter(({ path }) => path !== 'type')
  if (rows.length === 0) return []
  return [
    '| member | type | limits |',
    '|---|---|---|',
    ...rows.map(({ path, type, limits }) => `| \`${path}\` | ${type} | ${limits} |`),
    '',
  ]
}

type Member = { readonly path: string; readonly type: string; readonly limits: string }

/** Members of members follow their owner, as `object.id`, or `places[].kind` within a list. */
function membersOf({ properties = {}, required = [] }: Schema, prefix: string): Member[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`
    const own = { path: `${path}${required.includes(name) ? '' : '?'}`, type: typeOf(schema), limits: limitsOf(schema) }
    const inner = schema.items ? membersOf(schema.items, `${path}[].`) : membersOf(schema, `${path}.`)
    return [own, ...inner]
  })
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return cell(JSON.stringify(schema.const))
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${cell(String(value))}\``).join(', ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return [...new Set(choices.map(typeOf))].join(' or ')
  if (schema.format === 'date-time') return 'time (ISO 8601)'
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.join(' or ')
  if (type === undefined) return 'any JSON'
  if (type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'any JSON'}`
  if (type !== 'object' || schema.properties) return type
  const { additionalProperties: values } = schema
  return `object of ${typeof values === 'object' ? typeOf(values) : 'any JSON'}`
}

function limitsOf(schema: Schema): string {
  const { minLength, maxLength, minimum, maximum, exclusiveMinimum, minItems, maxItems, pattern } = schema
  const ofItems = schema.items ? limitsOf(schema.items) : ''
  const limits = [
    spanOf(minLength, maxLength, 'characters'),
    spanOf(minimum, maximum, ''),
    exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
    spanOf(minItems, maxItems, 'items'),
    pattern === undefined ? '' : `\`${cell(pattern)}\``,
    ofItems === '' ? '' : `each ${ofItems}`,
  ]
  return limits.filter((limit) => limit !== '').join('; ')
}

function spanOf(min: number | undefined, max: number | undefined, of: string): string {
  const number = (value: number) => value.toLocaleString('en')
  const unit = of === '' ? '' : ` ${of}`
  if (min !== undefined && max !== undefined) return `${number(min)} to ${number(max)}${unit}`
  if (max !== undefined) return `at most ${number(max)}${unit}`
  return min === undefined ? '' : `at least ${number(min)}${unit}`
}

/** A cell of a table ends at a bar. */
const cell = (text: string) => text.replaceAll('|', '\\|')
