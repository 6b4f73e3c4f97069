import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { DCLinter } from 'dclint'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { services } from '../../services.ts'
import { definitionsOf } from './broker-definitions.ts'
import { type ComposeService, composeText, readCompose } from './compose-file.ts'
import { root } from './rendered.ts'
import { configs, unknownVariables } from './service-environment.ts'
import { temporaryFile } from './temporary-file.ts'

const compose = readCompose()
const ours = services.map(({ name, port }) => {
  const found: ComposeService | undefined = compose.services[name]
  if (!found) throw new Error(`compose.yaml has no service ${name}.`)
  return { name, port, ...found }
})
const others = Object.entries(compose.services).filter(([name]) => !services.some((one) => one.name === name))

/** Its rules of order are about taste: here, what belongs together stands together. */
const taste = [
  'no-quotes-in-volumes',
  'service-dependencies-alphabetical-order',
  'service-keys-order',
  'service-ports-alphabetical-order',
  'services-alphabetical-order',
  'top-level-properties-order',
  // One service builds the image that all run.
  'no-build-and-image',
]
const linter = new DCLinter({
  rules: Object.fromEntries(taste.map((rule) => [rule, 0 as const])),
  quiet: true,
  debug: false,
  exclude: [],
})
/** The package's own types do not load. */
const linted = z.array(z.object({ messages: z.array(z.object({ rule: z.string(), message: z.string() })) }))
const lint = (path: string) =>
  linted
    .parse(linter.lintFiles([path], false))
    .flatMap(({ messages }) => messages.map(({ rule, message }) => `${rule}: ${message}`))

test('the linter finds nothing', () => {
  expect(lint(join(root, 'compose.yaml'))).toEqual([])
})

/** What the linter says of the compose file with these slips. */
function lintSlipped(slips: readonly { readonly from: string; readonly to: string }[]): string {
  for (const { from } of slips) expect(composeText).toContain(from)
  using file = temporaryFile(
    'compose.yaml',
    slips.reduce((text, { from, to }) => text.replace(from, to), composeText),
  )
  return lint(file.path).join('\n')
}

test('the linter finds a key that compose does not know', () => {
  const said = lintSlipped([{ from: 'restart:', to: 'restrat:' }])
  expect(said).toMatch(/invalid-schema: .*services\/gateway.*additional properties/)
})

test('the linter finds an open port, an image without a version, and one port twice', () => {
  const said = lintSlipped([
    { from: "'127.0.0.1:8080:8080'", to: "'8080:8080'" },
    { from: 'prometheus:v3.5.0', to: 'prometheus:latest' },
    { from: '127.0.0.1:8081:8081', to: '127.0.0.1:8000:8081' },
  ])
  expect(said).toMatch(/no-unbound-port-interfaces: .*gateway/)
  expect(said).toMatch(/service-image-require-explicit-tag: .*prometheus/)
  expect(said).toMatch(/no-duplicate-exported-ports: .*8000/)
})

test('every service runs by its name, and its port is that of `npm start`, open to this machine only', () => {
  for (const { name, port, command, image, ports } of ours)
    expect({ name, command, image, ports }).toEqual({
      name,
      command: [name],
      image: 'ebs:local',
      ports: [`127.0.0.1:${port}:${port}`],
    })
  for (const { ports } of Object.values(compose.services))
    expect(ports.filter((one) => !one.startsWith('127.0.0.1:'))).toEqual([])
})

test('every service reads its variables without a complaint, and knows each of them', () => {
  for (const { name, port, environment } of ours) {
    expect({ name, unknown: unknownVariables(name, environment) }).toEqual({ name, unknown: [] })
    // The image says where stores are.
    const config = configs[name]({ EBS_DATA_DIR: '/data', ...environment })
    expect(config).toMatchObject({ port, host: '0.0.0.0', warnings: [] })
  }
})

test('every service has a broker user of its own', () => {
  for (const { name, environment } of ours) {
    const urls = [environment.EBS_AMQP_URL, environment.EBS_AMQP_MANAGEMENT_URL].flatMap((url) => url ?? [])
    expect(urls.map((url) => new URL(url)).map(({ username, hostname, port }) => [username, hostname, port])).toEqual([
      [name, 'rabbit', '5672'],
      ...(['hub', 'statistics'].includes(name) ? [[name, 'rabbit', '15672']] : []),
    ])
  }
})

test('the broker begins with a user for every service', () => {
  const { users } = definitionsOf(readFileSync(join(root, 'compose/definitions.json'), 'utf8'))
  expect(users).toEqual(expect.arrayContaining(services.map(({ name }) => name)))
})

test('who has a store has ./data; nothing is root, may become it, or writes elsewhere; and all wait until RabbitMQ is well', () => {
  for (const { name, volumes, user, read_only, cap_drop, depends_on } of ours) {
    const hasStore = ['datagen', 'processor', 'hub', 'statistics'].includes(name)
    expect({ name, volumes, user, read_only, cap_drop, depends_on }).toEqual({
      name,
      volumes: hasStore ? ['./data:/data'] : [],
      user: '1000:1000',
      read_only: true,
      cap_drop: ['ALL'],
      depends_on: {
        rabbit: { condition: 'service_healthy' },
        data: { condition: 'service_completed_successfully' },
      },
    })
  }
  expect(compose.services.rabbit?.healthcheck?.test[0]).toBe('CMD')
})

test('everything in ./data is given to whom the services run as, whoever has made it', () => {
  const { entrypoint: [program, option, script = ''] = [], command = [] } = compose.services.data ?? {}
  const given: string[] = []
  const files = {
    readdirSync: () => ['hub.db', 'hub.db-wal', 'second', 'second/hub.db'],
    lchownSync: (...args: readonly unknown[]) => {
      given.push(args.join(' '))
      if (args[0] === '/data/hub.db-wal') throw Object.assign(new Error('gone'), { code: 'ENOENT' })
    },
  }

  runInNewContext(script, { require: () => files, process: { argv: ['node', ...command] } })

  expect([program, option]).toEqual(['node', '-e'])
  expect(given).toEqual(
    ['', 'hub.db', 'hub.db-wal', 'second', 'second/hub.db'].map((name) => `/data/${name} 1000 1000`),
  )
})

test('the example of settings names the passwords that compose.yaml asks for, the administrator’s, and who runs it', () => {
  const asked = [...composeText.matchAll(/\$\{(\w+_PASSWORD|EBS_USER):-/g)].map(([, name]) => name)
  const named = [...readFileSync(join(root, 'compose/passwords.example.env'), 'utf8').matchAll(/^(\w+)=$/gm)]
  expect(new Set(named.map(([, name]) => name))).toEqual(new Set([...asked, 'EBS_ADMIN_PASSWORD']))
})

test('a container is given more time to stop than its service takes', () => {
  for (const { name, environment, stop_grace_period: grace } of ours) {
    expect(grace).toMatch(/^\d+s$/)
    expect(Number.parseInt(grace ?? '', 10) * 1_000).toBeGreaterThan(configs[name](environment).shutdownTimeoutMs)
  }
})

test('what is mounted from the project is in the project, and what is named is a volume', () => {
  const sources = Object.values(compose.services).flatMap(({ volumes }) =>
    volumes.map((one) => one.split(':')[0] ?? ''),
  )
  const mine = sources.filter((source) => source.startsWith('./') && source !== './data')
  expect(mine.filter((source) => !existsSync(join(root, source)))).toEqual([])
  expect(new Set(sources.filter((source) => !source.startsWith('.')))).toEqual(new Set(Object.keys(compose.volumes)))
})

test('besides the services there is the broker, who owns ./data, and the monitoring on demand', () => {
  expect(others.map(([name, { profiles }]) => [name, ...profiles])).toEqual([
    ['rabbit'],
    ['data'],
    ['prometheus', 'observability'],
    ['grafana', 'observability'],
  ])
  expect(others.filter(([, { build }]) => build !== undefined).map(([name]) => name)).toEqual(['data'])
})

test('Prometheus asks every service, and RabbitMQ, where they are', () => {
  const { scrape_configs: jobs } = z
    .looseObject({
      scrape_configs: z.array(
        z.object({
          job_name: z.string(),
          static_configs: z.array(z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) })),
        }),
      ),
    })
    .parse(parse(readFileSync(join(root, 'observability/prometheus.yml'), 'utf8')))
  const asked = jobs.flatMap(({ job_name: job, static_configs }) =>
    static_configs.map(({ targets, labels }) => [job, ...targets, labels.service]),
  )
  expect(asked).toEqual([
    ...services.map(({ name, port }) => ['ebs', `${name}:${port}`, name]),
    ['rabbitmq', 'rabbit:15692', 'rabbit'],
  ])
})
