import { describe, expect, test } from 'vitest'
import { readCliConfig } from '../config.ts'

const urls = (env: Record<string, string>) => Object.fromEntries(readCliConfig(env).urls)

describe('where the services are', () => {
  test('on this machine at their own ports, unless the environment says otherwise', () => {
    expect(urls({})).toMatchObject({ hub: 'http://127.0.0.1:8081', datagen: 'http://127.0.0.1:8000' })
    expect(urls({ EBS_HUB_PORT: '9001', EBS_GATEWAY_URL: '' }).hub).toBe('http://127.0.0.1:9001')
    expect(urls({ EBS_HUB_PORT: '9001', EBS_HUB_URL: 'https://ops.example/hub' }).hub).toBe('https://ops.example/hub')
  })

  test.each([
    'http://ann:geheim@127.0.0.1:8081',
    'https://geheim@hub.example',
    'http://:geheim@hub',
    'http://ann:ge/heim@hub',
  ])('never with a user or a password: %s', (url) => {
    const read = () => urls({ EBS_HUB_URL: url })

    expect(read).toThrow(/EBS_HUB_URL is ".*\*\*\*@?.*"\. Accepted: a URL/)
    expect(read).not.toThrow('geheim')
    expect(read).not.toThrow('heim')
  })

  test('every mistake is told at once, and no password', () => {
    const env = {
      EBS_HUB_URL: 'ftp://ann:secret@x',
      EBS_DATAGEN_PORT: '0',
      EBS_AMQP_URL: 'nonsense',
      EBS_QUEUE_TYPE: 'x',
      EBS_TOKEN: 'secret\ntoken',
    }

    const message = (() => {
      try {
        return String(readCliConfig(env))
      } catch (error) {
        return String(error)
      }
    })()

    for (const name of Object.keys(env)) expect(message).toContain(name)
    expect(message).not.toContain('secret')
  })
})

test('the broker, the editor and colours are those of the environment', () => {
  expect(readCliConfig({})).toMatchObject({
    amqpUrl: 'amqp://guest:guest@127.0.0.1:5672',
    editor: 'vi',
    isColourful: true,
  })
  expect(readCliConfig({ QUEUE_URL: 'mq:5673', EDITOR: 'nano', NO_COLOR: '1' })).toMatchObject({
    amqpUrl: 'amqp://guest:guest@mq:5673',
    editor: 'nano',
    isColourful: false,
  })
  expect(readCliConfig({ VISUAL: 'code --wait', EDITOR: 'nano', TERM: 'dumb' })).toMatchObject({
    editor: 'code --wait',
    isColourful: false,
  })
  expect(readCliConfig({}).actor).toMatch(/^.+@.+$/)
})
