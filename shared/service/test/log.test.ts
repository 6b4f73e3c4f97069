import { expect, test } from 'vitest'
import { createLog, withCorrelation } from '../log.ts'
import { redactUrl } from '../redact.ts'

function captured(pretty: boolean) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, log: createLog({ service: 'datagen', level: 'debug', pretty, destination }) }
}

test('a line is JSON with time, level, service and correlation id, and no process noise', () => {
  const { lines, log } = captured(false)

  withCorrelation(log, 'c-1').info({ n: 1 }, 'hello')

  const { time, ...line } = JSON.parse(lines.join(''))
  expect(line).toEqual({ level: 'info', service: 'datagen', correlationId: 'c-1', n: 1, msg: 'hello' })
  expect(Date.parse(time)).toBeGreaterThan(0)
})

test('for people a line is one readable line', () => {
  const { lines, log } = captured(true)

  log.info('hello')

  expect(lines.join('')).toMatch(/INFO: datagen: hello\n$/)
})

test.each([false, true])('A3: secrets are masked wherever they turn up (pretty: %s)', (pretty) => {
  const { lines, log } = captured(pretty)
  const url = 'amqp://bob:hunter2@broker:5672/x'

  log.info({ url, nested: { deeper: [url] }, headers: { authorization: 'hunter2' } }, `to ${url}`)
  log.error({ err: new Error(`cannot reach ${url}`) }, 'failed')
  log.info({ request: { headers: { authorization: 'hunter2', cookie: 'hunter2' } }, password: 'hunter2' })

  expect(lines.join('')).not.toContain('hunter2')
  expect(lines.join('')).toContain('bob:***@broker')
})

test.each([
  ['amqp://guest:guest@127.0.0.1:5672', 'amqp://guest:***@127.0.0.1:5672'],
  ['amqps://:p@h', 'amqps://:***@h'],
  ['x amqp://u:p/w@h@host y', 'x amqp://u:***@host y'],
  ['amqp://u:p@h1:1/v,amqps://u:q/@w@h2,amqp://u@h3', 'amqp://u:***@h1:1/v,amqps://u:***@h2,amqp://u@h3'],
  ['http://127.0.0.1:8000/a', 'http://127.0.0.1:8000/a'],
  ['mail a@b: no url', 'mail a@b: no url'],
])('the url %s is shown as %s', (text, shown) => expect(redactUrl(text)).toBe(shown))
