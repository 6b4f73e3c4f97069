import { describe, expect, test } from 'vitest'
import { compileFilter, compileNaming } from '../filter.ts'
import type { Scope } from '../filter-scope.ts'

const scope: Scope = {
  event: {
    type: 'TASK_CREATED',
    task: { id: 't1', index: 3, of: 7, tenant: 'acme' },
    numbers: [1, 2, 3],
    names: ['ann', 'bob'],
    results: { a: 1, b: 2 },
    share: 0.5,
    large: 9_007_199_254_740_991,
    at: '2026-05-01T12:00:00Z',
    nothing: null,
    isUrgent: true,
    emoji: '😀é',
  },
  tenant: 'acme',
  type: 'TASK_CREATED',
  key: 'task-requests',
  queue: 'process_consume',
  headers: {
    'x-app': 'web',
    tries: 2,
    flag: true,
    table: { a: 'b' },
    'x-death': [{ count: 1 }],
    bytes: Buffer.from('b'),
  },
}
const answer = (text: string, of = scope) => compileFilter(text).test(of)

describe('what a filter says', () => {
  test.each([
    'true',
    'tenant == "acme"',
    'type == "TASK_CREATED" && queue == \'process_consume\' && key == "task-requests"',
    'event.type == type',
    'tenant in ["other", "acme"]',
    'event.task.index > 2',
    'event.task.index == 3',
    '3 == event.task.index',
    'event.task["index"] <= 3.0',
    'event.share == 0.5 && event.share < 1',
    'event.large == 9007199254740991',
    'event.task.index in [1, 2, 3]',
    'event.task.index % 2 == 1',
    'event.task.index + 1 == 4 && event.task.index - 1 == 2 && event.task.index * 2 == 6 && event.task.index / 2 == 1.5',
    'size(event.names) == 2.0',
    '7 / 2 == 3 && -7 % 4 == -3 && -event.task.index < -2',
    'event.nothing == null',
    'event.isUrgent',
    '!event.isUrgent == false',
    'event.isUrgent ? tenant == "acme" : false',
    'event.numbers == [1, 2, 3] && event.results == {"a": 1, "b": 2}',
    'event.numbers != [1, 2] && event.numbers != event.names && event.numbers + [4] == [1, 2, 3, 4]',
    'size(event.numbers) == 3 && event.names.size() == 2 && size(event.results) == 2 && size(event.emoji) == 2',
    'event.numbers[1] == 2 && event.numbers[event.numbers[0]] == 2',
    '2 in event.numbers && "a" in event.results && !("c" in event.results)',
    'event.numbers.exists(n, n > 2) && event.numbers.all(n, n > 0) && event.numbers.exists_one(n, n == 2)',
    'event.numbers.filter(n, n > 1).map(n, n * 2) == [4, 6]',
    'event.numbers.map(n, n > 1, n) == [2, 3]',
    'event.results.exists(k, event.results[k] == 2)',
    'event.names.exists(type, type == "bob")',
    'has(event.task) && has(event.task.id) && !has(event.other) && !has(event.task.other)',
    'event.task.id.startsWith("t") && tenant.endsWith("me") && key.contains("-req")',
    'tenant.matches("^ac.e$") && tenant.matches("m") && !tenant.matches("^m")',
    'tenant.upperAscii() == "ACME" && "ÄB".lowerAscii() == "Äb" && " a ".trim() == "a"',
    'tenant + "/" + event.task.id == "acme/t1" && tenant < "b"',
    'headers["x-app"] == "web" && headers.tries == 2 && headers.flag',
    'int("12") == 12 && int(event.share) == 0 && double("1.5") == 1.5 && string(event.task.index) == "3"',
    'timestamp(event.at) < timestamp("2026-05-01T14:00:01+02:00") && timestamp(0) < timestamp(event.at)',
    'timestamp(event.at) == timestamp("2026-05-01T14:00:00+02:00")',
    // One side decides, whatever the other one is.
    'event.absent == 1 || tenant == "acme"',
    '!(event.absent == 1 && tenant == "other")',
    'event.names.exists(n, n.absent == 1 || n == "bob")',
    'tenant == "acme" // and a remark',
  ])('%s matches', (text) => {
    expect(answer(text)).toBe('match')
  })

  test.each([
    'false',
    'tenant == "other"',
    'tenant != "acme"',
    'event.task.index > 3',
    // Values of different types are different.
    'event.task.id == 3',
    'event.task.index == "3"',
    'event.isUrgent == 1',
    'event.numbers == [1, 2, "3"]',
    'event.results == {"a": 1}',
    'event.results == {"a": 1, "c": 2}',
    'event.task.id in [1, 2]',
    'event.absent == 1 && tenant == "other"',
    'event.numbers.all(n, n < 3)',
    'has(event.task.id.length)',
  ])('%s does not match', (text) => {
    expect(answer(text)).toBe('no')
  })

  test.each([
    'event.absent == 1',
    'event.absent != 1',
    'event.absent.deeper == 1',
    'has(event.absent.deeper)',
    '!event.absent',
    'event.task',
    'event.nothing',
    'event.task.id > 2',
    'event.task.id + event.share == "x"',
    'event.task.index + 1',
    'event.task.index.startsWith("3")',
    'event.numbers[3] == 1',
    'event.numbers[-1] == 1',
    'event.numbers["0"] == 1',
    'event.numbers.size == 3',
    'event.task.id.exists(c, c == "t")',
    'event.names.all(n, n > 2)',
    'event.numbers.map(n, n.x) == []',
    'event.numbers.exists_one(n, n == 1 || n.x == 1)',
    'event.task.constructor == 1',
    'event.task.__proto__ == {}',
    'event.task.index / 0 == 1',
    '1 / 0 == 1 || 1 % 0 == 1',
    '9223372036854775807 + 1 > 0',
    'int("x") == 1 || int(event.names) == 1 || int("99999999999999999999") == 1',
    'double("") == 1.0 || string(event.names) == "" || timestamp("2026-05-01") == timestamp(0)',
    // What a stranger or the broker puts there is no text, number or boolean.
    'headers.table.a == "b"',
    'headers["x-death"] == []',
    'headers.bytes == "b"',
    'headers.absent == "x"',
    'event.absent == 1 || tenant == "other"',
    'event.absent == 1 && tenant == "acme"',
    'event.task.index ? true : true',
  ])('%s is unclear', (text) => {
    expect(answer(text)).toBe('unclear')
  })

  test('a message of no tenant is unclear to a filter that looks at the tenant', () => {
    const nobody = { ...scope, tenant: undefined }

    expect(answer('tenant == "acme"', nobody)).toBe('unclear')
    expect(answer('tenant != "acme"', nobody)).toBe('unclear')
    expect(answer('tenant == "acme" || type == "TASK_CREATED"', nobody)).toBe('match')
  })

  test('one filter tells message after message apart', () => {
    const filter = compileFilter('event.numbers.exists(n, n == event.task.index)')

    const other = { ...scope, event: { ...scope.event, numbers: [4] } }
    expect([scope, other, scope].map((one) => filter.test(one))).toEqual(['match', 'no', 'match'])
  })
})

describe('what a filter looks at', () => {
  test.each([
    { text: 'tenant == "a" && event.n > 1', touches: ['event', 'tenant'] },
    { text: 'headers.x == key || queue == type', touches: ['headers', 'key', 'queue', 'type'] },
    { text: 'event.l.exists(tenant, tenant == 1)', touches: ['event'] },
    { text: 'true', touches: [] },
  ])('$text', ({ text, touches }) => {
    expect([...compileFilter(text).touches].sort()).toEqual(touches)
  })

  test.each([
    { text: 'tenant == "a"', guards: [{ name: 'tenant', values: ['a'] }] },
    { text: '"a" == tenant && event.n > 1', guards: [{ name: 'tenant', values: ['a'] }] },
    {
      text: 'event.n > 1 && (type == "T" && tenant in ["a", "b", "a"])',
      guards: [
        { name: 'tenant', values: ['a', 'b'] },
        { name: 'type', values: ['T'] },
      ],
    },
    {
      text: 'queue == "q" && key == "k"',
      guards: [
        { name: 'key', values: ['k'] },
        { name: 'queue', values: ['q'] },
      ],
    },
    { text: 'tenant == "a" || tenant == "b"', guards: [] },
    { text: 'tenant != "a"', guards: [] },
    { text: '!(tenant == "a")', guards: [] },
    { text: 'event.tenant == "a" && tenant == key', guards: [] },
    { text: 'tenant == "a" ? true : true', guards: [] },
    { text: 'event.l.exists(tenant, tenant == "a")', guards: [] },
  ])('$text demands $guards.length values', ({ text, guards }) => {
    expect(compileFilter(text).guards).toEqual(guards)
  })

  test.each([
    { text: 'tenant', value: 'acme' },
    { text: 'event.task.index', value: 3 },
    { text: 'size(event.names)', value: 2 },
    { text: 'event.isUrgent', value: true },
    { text: 'event.absent', value: undefined },
    { text: 'event.task', value: undefined },
  ])('$text names $value', ({ text, value }) => {
    expect(compileNaming(text).read(scope)).toBe(value)
  })
})
