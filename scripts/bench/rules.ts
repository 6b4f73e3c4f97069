import { parseArgs } from 'node:util'
import { pino } from 'pino'
import type { Received } from '../../shared/bus/broker.ts'
import { type Event, parseEvent } from '../../shared/bus/envelope.ts'
import { MemoryBroker } from '../../shared/bus/memory-broker.ts'
import { RuleBook } from '../../shared/bus/rule-book.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Body } from '../../shared/events.ts'
import { controlStream, topologyPlan } from '../../shared/topology.ts'
import { printJsonLine } from './json-line.ts'
import { median } from './quantile.ts'

const QUEUE = 'process_consume'
const ROUNDS = 9
const MESSAGES = 100_000
const TENANTS = 200
/** µs per message with 100 rules. */
const AIM_US = 20

type Case = { readonly name: string; readonly rules: number; readonly filter: (n: number) => string }

const cases: readonly Case[] = [
  { name: 'no rule', rules: 0, filter: () => 'false' },
  { name: '1 rule for a tenant', rules: 1, filter: (n) => `tenant == "t${n}" && event.task.index > 5` },
  { name: '100 rules for tenants', rules: 100, filter: (n) => `tenant == "t${n}" && event.task.index > 5` },
  { name: '1 rule for a field', rules: 1, filter: (n) => `event.object.name == "no ${n}"` },
  { name: '100 rules for a field', rules: 100, filter: (n) => `event.object.name == "no ${n}"` },
  { name: '100 rules for a field that is missing', rules: 100, filter: (n) => `event.object.color == "no ${n}"` },
  { name: '100 rules with a pattern', rules: 100, filter: (n) => `event.object.name.matches("^no ${n}-[0-9]+$")` },
]

/**
 * What the check of sideline rules costs each message, in processor time of one process without a broker; beside it what reading the
 * message costs. Arguments: `--json`, `--rounds N`.
 */
export async function benchRules(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: String(ROUNDS) } },
  })
  const messages = Array.from({ length: TENANTS }, (_, n) => messageOf(n))
  const books = await Promise.all(cases.map(bookWith))
  const figures: number[][] = cases.map(() => [])
  const readingUs: number[] = []
  // In turns, so that all have the same weather; the first round is for the compiler.
  for (let round = 0; round <= Number(values.rounds); round++) {
    const perReadUs = readAll(messages)
    if (round > 0) readingUs.push(perReadUs)
    for (const [i, book] of books.entries()) {
      const perMessageUs = judgeAll(book, messages)
      if (round > 0) figures[i]?.push(perMessageUs)
    }
  }
  const reading = { name: '(reading the message)', rules: 0, perMessageUs: median(readingUs) }
  const checks = cases.map(({ name, rules }, i) => ({ name, rules, perMessageUs: median(figures[i] ?? []) }))
  const rows = [...checks, reading]
  if (values.json) return printJsonLine({ rows, aimUs: AIM_US, messages: MESSAGES })
  console.log(
    `µs of processor time per message for the check of its rules (aim: ${AIM_US} with 100), median of ${values.rounds} rounds`,
  )
  for (const { name, perMessageUs } of rows) console.log(`  ${name.padEnd(40)}${perMessageUs.toFixed(2).padStart(7)}`)
}

type Judged = { readonly event: Event; readonly message: Received }

function judgeAll(book: RuleBook, messages: readonly Judged[]): number {
  const before = process.cpuUsage()
  let passed = 0
  for (let n = 0; n < MESSAGES; n += messages.length)
    for (const { event, message } of messages) if (book.judge(QUEUE, event, message).kind === 'pass') passed++
  const took = process.cpuUsage(before)
  if (passed !== MESSAGES) throw new Error(`${MESSAGES - passed} messages matched a rule that is to match none.`)
  return (took.user + took.system) / MESSAGES
}

function readAll(messages: readonly Judged[]): number {
  const before = process.cpuUsage()
  let events = 0
  for (let n = 0; n < MESSAGES; n += messages.length)
    for (const { message } of messages) if ('data' in parseEvent(message)) events++
  const took = process.cpuUsage(before)
  return (took.user + took.system) / events
}

async function bookWith({ rules, filter }: Case): Promise<RuleBook> {
  const broker = new MemoryBroker({ clock: systemClock }).connect({ service: 'bench', plan: topologyPlan('quorum') })
  for (let n = 0; n < rules; n++) await broker.publish(recordOf(n, filter(n)))
  const log = pino({ level: 'silent' })
  const book = new RuleBook({ broker, service: 'bench', clock: systemClock, log, queueType: 'quorum' })
  await book.loaded()
  // A consumer: from then on its last messages are kept for dry runs.
  book.join({ queue: QUEUE, tag: 'bench', underWay: () => [] })
  if (book.inForce().length !== rules) throw new Error(`${book.inForce().length} of ${rules} rules are in force.`)
  return book
}

function recordOf(n: number, filter: string) {
  const since = new Date().toISOString()
  const body: Body<'SIDELINE_RULE'> = {
    type: 'SIDELINE_RULE',
    rule: {
      id: `rule-${n}`,
      episode: n + 1,
      revision: n + 1,
      phase: 'park',
      filter,
      queues: [QUEUE],
      actor: 'bench',
      reason: 'to be measured',
      since,
    },
  }
  const properties = { type: body.type, messageId: `rule-${n}` }
  return { exchange: '', key: controlStream, body: Buffer.from(JSON.stringify(body)), properties, mandatory: true }
}

function messageOf(n: number): Judged {
  const tenant = `t${n}`
  const object = {
    id: `o${n}`,
    tenant,
    name: `object ${n}`,
    content: 'x'.repeat(200),
    createdAt: '2026-01-01T00:00:00Z',
  }
  const task = { id: `o${n}-1`, objectId: object.id, index: 1, of: 3, tenant }
  const body: Body<'TASK_CREATED'> = { type: 'TASK_CREATED', task, object }
  const message: Received = {
    exchange: 'ebs',
    key: 'task-requests',
    body: Buffer.from(JSON.stringify(body)),
    properties: { messageId: `m${n}`, type: body.type, headers: { 'x-ebs-tenant': tenant, 'x-ebs-at': 1 } },
  }
  const event = parseEvent(message)
  if (!('data' in event)) throw new Error('The message of this benchmark is no event.')
  return { event, message }
}
