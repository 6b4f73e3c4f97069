import { Writable } from 'node:stream'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EVERYTHING, permitWrites } from '../../../test/support/permissions.ts'
import { testVhost } from '../../../test/support/vhost.ts'
import { createLog } from '../../service/log.ts'
import { connectAmqp } from '../amqp-broker.ts'
import { seenExchange, wireExchange } from '../amqp-direct.ts'
import { concerns, explained, parseRefusal } from '../amqp-refusals.ts'
import { type BrokerState, NackedError, ReturnedError } from '../broker.ts'
import { eventually, messageOf, planOf } from './contract-rig.ts'

const UUID = '0190c5a0-7d3e-7000-8000-0123456789ab'

describe('what is for one queue', () => {
  test.each([
    ...['work', 'work.dead', 'ebs.control', 'ebs.sideline.a.b', 'activity.charge', `hub_reply.${UUID}`, ''].map(
      (key) => ({
        ...{ key, over: 'ebs.direct' },
      }),
    ),
    ...['amq.gen-x', 'amq.rabbitmq.reply-to.g2', 'toto_reply.1', 'my-tool_reply.1'].map((key) => ({ key, over: '' })),
  ])("'$key' goes over '$over', and is seen as before", ({ key, over }) => {
    expect(wireExchange({ exchange: '', key })).toBe(over)
    expect(seenExchange(over)).toBe('')
  })

  test('an exchange that was named is taken', () => {
    expect(wireExchange({ exchange: 'ebs', key: 'work' })).toBe('ebs')
    expect(seenExchange('ebs')).toBe('ebs')
  })
})

describe('what a broker says', () => {
  const closed = (text: string) =>
    `Channel closed by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - ${text}"`

  test.each([
    { text: "access to exchange 'amq.default' in vhost '/' refused for user 'x'", is: { exchange: '' } },
    { text: "access to exchange 'ebs' in vhost '/' refused for user 'x'", is: { exchange: 'ebs' } },
    { text: "access to topic 'it's a' in exchange 'ebs' in vhost 'a'", is: { exchange: 'ebs', key: "it's a" } },
    { text: `access to topic '${'k'.repeat(200)}...`, is: { key: 'k'.repeat(200), isCut: true } },
    { text: "access to topic 'long' in exchange 'ebs.dir...", is: { key: 'long', isCut: true } },
    { text: "write access to exchange 'ebs' in vhost '/' refused for user 'x'", is: { exchange: 'ebs' } },
    { text: "write access to topic 'k' in exchange 'ebs' in vhost '/'", is: { exchange: 'ebs', key: 'k' } },
    { text: "write access to topic 'long' in exchange 'ebs.dir...", is: { key: 'long', isCut: true } },
    { text: "access to queue 'q' in vhost '/' refused for user 'x'", is: undefined },
  ])('$text', ({ text, is }) => {
    expect(parseRefusal(closed(text))).toEqual(is)
  })

  test('of a key that is cut all are concerned that begin so', () => {
    expect(concerns({ key: 'lo', isCut: true }, { exchange: 'ebs', key: 'long' })).toBe(true)
    expect(concerns({ exchange: 'ebs', key: 'lo' }, { exchange: 'ebs', key: 'long' })).toBe(false)
    expect(concerns({ exchange: 'ebs.direct', key: 'work' }, { exchange: '', key: 'work' })).toBe(true)
  })
})

async function connected() {
  const vhost = await testVhost()
  const lines: { readonly level: string; readonly msg: string }[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const log = createLog({ service: 'test', level: 'info', destination })
  const plan = planOf('quorum', { work: { hears: ['work'] } })
  const bus = connectAmqp(vhost.url, { service: 'test', plan, log })
  onTestFinished(async () => {
    await bus.close()
    await vhost[Symbol.asyncDispose]()
  })
  await bus.ready()
  const states: BrokerState[] = []
  bus.onState((state) => states.push(state))
  return { vhost, bus, lines, states }
}

test('who lacks the right to start rules is told of circuit breakers, and nobody else', () => {
  expect(explained({ exchange: 'ebs', key: 'sidelines.command' })).toContain('`ebs topology definitions --breakers`')
  expect(explained({ exchange: 'ebs', key: 'tasks.created' })).not.toContain('--breakers')
})

test('a user without the right to the default exchange loses its connection once, not with each answer to a stranger', async () => {
  const { vhost, bus, lines, states } = await connected()
  await permitWrites(vhost, '^(?!amq\\.default$).*')
  await vhost.closeConnections('test_publish')
  await eventually(() => expect(states).toEqual(['connecting', 'up']))

  const refused = [
    bus.publish(messageOf({ key: 'amq.gen-1' }, '1')),
    bus.publish(messageOf({ key: 'toto_reply.1' }, '2')),
  ]
  const kept = bus.publish(messageOf({ key: 'work', mandatory: true }, '3'))
  for (const one of refused) await expect(one).rejects.toThrow(NackedError)
  await kept
  for (const n of ['4', '5'])
    await expect(bus.publish(messageOf({ key: `amq.gen-${n}` }, n))).rejects.toThrow(
      /import what .ebs topology definitions. gives/,
    )

  expect(states).toEqual(['connecting', 'up', 'connecting', 'up'])
  expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  expect(await bus.inspect('work')).toMatchObject({ messages: 1 })
  await permitWrites(vhost, EVERYTHING)
})

test('a key that may not be published to is refused, and the others go on', async () => {
  const { vhost, bus, states } = await connected()
  const user = new URL(vhost.url).username
  const topic = { exchange: 'ebs.direct', write: '^work$', read: '.*' }
  await vhost.management('PUT', `/api/topic-permissions/${vhost.name}/${user}`, topic)
  await vhost.closeConnections('test_publish')
  await eventually(() => expect(states).toEqual(['connecting', 'up']))

  const long = 'w'.repeat(250)
  const outcomes = await Promise.allSettled(
    ['work', 'work.dead', long, 'work'].map((key) => bus.publish(messageOf({ key, mandatory: true }, key))),
  )

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  await expect(bus.publish(messageOf({ key: long }, 'again'))).rejects.toThrow(NackedError)
  expect(states).toEqual(['connecting', 'up', 'connecting', 'up', 'connecting', 'up'])
})

test('a queue that is gone has taken its binding with it: what is for it comes back', async () => {
  const { vhost, bus } = await connected()
  await vhost.deleteQueue('work.dead')

  await expect(bus.publish(messageOf({ key: 'work.dead', mandatory: true }, '1'))).rejects.toThrow(ReturnedError)
})
