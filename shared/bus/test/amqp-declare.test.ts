import { describe, expect, test } from 'vitest'
import { checkVersion, explainRefusal, parseDrift } from '../amqp-declare.ts'
import { UnsupportedBrokerError } from '../broker.ts'

describe('D8: a broker that cannot carry the topology is refused', () => {
  test.each([
    ['RabbitMQ', '3.10.0', 'RabbitMQ 3.10.0'],
    ['RabbitMQ', '3.13.7', 'RabbitMQ 3.13.7'],
    ['RabbitMQ', '4.0.5', 'RabbitMQ 4.0.5'],
    ['RabbitMQ', '10.0.0', 'RabbitMQ 10.0.0'],
  ])('%s %s is good enough', (product, version, known) => {
    expect(checkVersion({ product, version })).toBe(known)
  })

  test.each([
    ['RabbitMQ', '3.9.29'],
    ['RabbitMQ', '2.99.0'],
    ['LavinMQ', '4.0.0'],
    ['RabbitMQ', ''],
  ])('%s %s is not, and the message says what is needed', (product, version) => {
    expect(() => checkVersion({ product, version })).toThrow(UnsupportedBrokerError)
    expect(() => checkVersion({ product, version })).toThrow(/needs RabbitMQ 3\.10/)
  })

  test('a disabled feature flag is explained with the command that enables it, anything else stays as it is', () => {
    const refused = new Error(
      "Cannot declare a queue of type 'rabbit_quorum_queue': the corresponding feature flag is disabled",
    )
    const other = new Error('ECONNREFUSED')

    expect(explainRefusal(refused)).toMatchObject({ name: 'UnsupportedBrokerError', cause: refused })
    expect(explainRefusal(refused)).toMatchObject({ message: expect.stringContaining('enable_feature_flag all') })
    expect(explainRefusal(other)).toBe(other)
  })
})

describe('a refused declaration is read as a difference', () => {
  const prefix =
    'Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg '
  test.each([
    {
      message: `${prefix}'x-queue-type' for queue 'statistics' in vhost '/': received 'classic' but current is 'quorum'"`,
      drift: { kind: 'queue', name: 'statistics', argument: 'x-queue-type', wanted: 'classic', found: 'quorum' },
    },
    {
      message: `${prefix}'x-message-ttl' for queue 'ebs.delay.1s' in vhost 'a': received the value '2000' of type 'signedint' but current is the value '1000' of type 'signedint'"`,
      drift: { kind: 'queue', name: 'ebs.delay.1s', argument: 'x-message-ttl', wanted: '2000', found: '1000' },
    },
    {
      message: `${prefix}'type' for exchange 'ebs' in vhost '/': received 'topic' but current is 'direct'"`,
      drift: { kind: 'exchange', name: 'ebs', argument: 'type', wanted: 'topic', found: 'direct' },
    },
    { message: "NOT_FOUND - no queue 'x' in vhost '/'", drift: undefined },
    { message: '', drift: undefined },
  ])('$message', ({ message, drift }) => {
    expect(parseDrift(message)).toEqual(drift)
  })
})
