import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { migrations as datagenMigrations, insertObject } from '../../../services/datagen/store.ts'
import { connectAmqp } from '../../../shared/bus/amqp-broker.ts'
import { hubMigrations } from '../../../shared/store/sqlite-hub-store.ts'
import { SqliteStore } from '../../../shared/store/sqlite-store.ts'
import { topologyPlan } from '../../../shared/topology.ts'
import { testVhost } from '../../../test/support/vhost.ts'
import { onFiles } from '../../backup/file-trouble.ts'
import { takeBackup } from '../../backup/take.ts'
import { openApi } from '../../cli/api.ts'
import { NotDoneError } from '../../cli/exit-code.ts'
import { closedUrl, fakeApi, type Routes } from '../../cli/test/fake-api.ts'
import { runEbs, type Session } from '../../cli/test/fake-terminal.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'

const openStore = (dataDir: string) =>
  SqliteStore.open({ path: join(dataDir, 'datagen.db'), migrations: datagenMigrations })

const noPlan = { exchanges: [], queues: [], bindings: [] }

/** A data folder with one store, and a backup of it made without a broker and a hub. */
async function savedAlone() {
  const folder = temporaryFolder()
  const [dataDir, saved] = [join(folder.path, 'data'), join(folder.path, 'saved')]
  const store = await openStore(dataDir)
  await store.write((tx) => tx.enqueue([{ exchange: 'ebs', key: 'objects', body: '{}', properties: '{}' }]))
  await store.close()
  const url = await closedUrl()
  const session: Session = { url, config: { dataDir, amqpUrl: url.replace('http:', 'amqp:') } }
  /** Nobody is waited for. */
  const save = () =>
    takeBackup({
      ...{
        folder: saved,
        dataDir,
        queueType: 'quorum',
        withMessages: true,
        management: undefined,
        readyMs: 1,
        catchUpMs: 0,
      },
      hub: openApi('hub', url),
      connect: () => connectAmqp(session.config?.amqpUrl ?? '', { service: 'test', plan: noPlan }),
    })
  return { path: folder.path, save, dataDir, saved, session, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

const END = `
  insert into conversation_rows(kind, key, status, version, correlation_id, tenant, created_at, changed_at, ended_at, lines, state)
  values ('group', ?, 'ended', 1, 'c', 'acme', 1, 1, ?, 0, '{}')`

const lost = async (dataDir: string) => {
  writeFileSync(join(dataDir, 'datagen.db'), 'lost')
}

test('without a broker and a hub the stores are saved, and what is lacking is said', async () => {
  using system = await savedAlone()

  const { lacks, stores } = await system.save()

  expect(stores).toMatchObject([{ name: 'datagen.db', rows: { outbox: 1, object_rows: 0 } }])
  expect(lacks).toEqual([
    expect.stringMatching(/^hub\.db is not in/),
    expect.stringMatching(/^stats\.db is not in/),
    expect.stringMatching(/^the broker could not be asked/),
    expect.stringMatching(/^the sideline rules: The hub does not answer/),
    expect.stringContaining('EBS_AMQP_MANAGEMENT_URL'),
  ])
})

test('an object that is over for the hub and open for datagen is named, with what that means and what to do', async () => {
  using system = await savedAlone()
  const ids = Array.from({ length: 7 }, (_, n) => `object-${n}`)
  const store = await openStore(system.dataDir)
  await store.write((tx) => {
    for (const id of [...ids, 'open'])
      insertObject(tx, { id, tenant: 'acme', name: id, content: '', createdAt: '2026-11-22T08:00:00.000Z' })
  })
  await store.close()
  const hub = await SqliteStore.open({ path: join(system.dataDir, 'hub.db'), migrations: hubMigrations })
  await hub.write((tx) => {
    for (const id of ids) tx.run(END, id, 2)
    tx.run(END, 'open', null)
  })
  await hub.close()

  const { lacks } = await system.save()

  expect(lacks).toContainEqual(
    expect.stringMatching(
      /^the ends of 7 objects, .*\(object-0, object-1, object-2, object-3, object-4 and 2 more\).* announced again after a restore.* take another backup/,
    ),
  )
})

test('a folder that is not empty is left alone, no store is said, and a dry run makes nothing', async () => {
  using system = await savedAlone()
  await system.save()
  const elsewhere = join(system.path, 'elsewhere')

  const taken = await runEbs(['backup', system.saved], system.session)
  const none = await runEbs(['backup', elsewhere, '--data', system.saved.replace('saved', 'none')], system.session)
  const foretold = await runEbs(['backup', elsewhere, '--dry-run'], system.session)

  expect(taken).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') })
  expect(none).toMatchObject({ code: 1, err: expect.stringContaining('There is no store in') })
  expect(foretold).toMatchObject({
    code: 0,
    out: expect.stringContaining('datagen.db, rules.json. Nothing was saved.'),
  })
  expect(existsSync(elsewhere)).toBe(false)
})

test('restored: what was there is kept aside, and a dry run changes nothing', async () => {
  using system = await savedAlone()
  await system.save()
  await lost(system.dataDir)

  const dry = await runEbs(['restore', system.saved, '--dry-run'], system.session)
  const untouched = readFileSync(join(system.dataDir, 'datagen.db'), 'utf8')
  const unasked = await runEbs(['restore', system.saved], system.session)
  const { code, out } = await runEbs(['restore', system.saved, '--yes'], system.session)

  expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('It is whole. Nothing was changed') })
  expect(untouched).toBe('lost')
  expect(unasked).toMatchObject({ code: 2, err: expect.stringContaining('--yes') })
  expect(code).toBe(0)
  const [aside = ''] = (await readdir(system.dataDir)).filter((name) => name.startsWith('before-restore-'))
  expect(out).toContain(aside)
  expect(readFileSync(join(system.dataDir, aside, 'datagen.db'), 'utf8')).toBe('lost')
  const store = await openStore(system.dataDir)
  expect(store.countPending()).toBe(1)
  await store.close()
})

test.each([
  {
    what: 'a file that has changed',
    spoil: (saved: string) => appendFileSync(join(saved, 'datagen.db'), 'x'),
    says: 'is not as it was saved',
  },
  {
    what: 'a manifest of another format',
    spoil: (saved: string) => writeFileSync(join(saved, 'manifest.json'), '{"format": 2}'),
    says: 'is not one that this version of ebs reads',
  },
])('restore refuses $what, and leaves the data folder alone', async ({ spoil, says }) => {
  using system = await savedAlone()
  await system.save()
  await lost(system.dataDir)
  spoil(system.saved)

  const { code, err } = await runEbs(['restore', system.saved, '--yes'], system.session)

  expect(code).toBe(1)
  expect(err).toContain(says)
  expect(readFileSync(join(system.dataDir, 'datagen.db'), 'utf8')).toBe('lost')
})

test.each([
  ['that is garbage', (path: string) => writeFileSync(path, 'garbage'.repeat(1_000)), 'SQLITE_NOTADB'],
  ['that is cut', (path: string) => truncateSync(path, 3 * 4_096), 'SQLITE_CORRUPT'],
  ['that cannot have a log beside it', (path: string) => mkdirSync(`${path}-wal`), 'SQLITE_CANTOPEN'],
])('backup says which store it cannot read, one %s, without a stack', async (_, spoil, code) => {
  using system = await savedAlone()
  const path = join(system.dataDir, 'datagen.db')
  spoil(path)

  const error: unknown = await onFiles('It is no backup.', () => system.save()).catch((why: unknown) => why)

  expect(error).toBeInstanceOf(NotDoneError)
  expect(String(error)).toMatch(new RegExp(`${path}.*${code}[^\\n]*It is no backup.$`))
})

test('restore says that a folder lies where a store belongs, without a stack', async () => {
  using system = await savedAlone()
  await system.save()
  mkdirSync(join(system.dataDir, 'hub.db'))

  const { code, err } = await runEbs(['restore', system.saved, '--yes'], system.session)

  expect(code).toBe(1)
  expect(err).toMatch(/hub\.db cannot be opened \(SQLITE_CANTOPEN[^\n]*Nothing was restored\.\n$/)
})

test('restore refuses a folder that is no backup, and parts that it does not have', async () => {
  using system = await savedAlone()
  mkdirSync(system.saved)

  const none = await runEbs(['restore', system.saved, '--yes'], system.session)
  await system.save()
  const lacking = await runEbs(['restore', system.saved, '--messages', '--yes'], system.session)

  expect(none).toMatchObject({ code: 1, err: expect.stringContaining('is no backup') })
  expect(lacking).toMatchObject({ code: 1, err: expect.stringContaining('has no messages.ndjson') })
})

test('restore refuses while a store is open, or a service answers', async () => {
  using system = await savedAlone()
  await system.save()

  const store = await openStore(system.dataDir)
  const open = await runEbs(['restore', system.saved, '--yes'], system.session)
  await store.close()
  await using api = await fakeApi({ 'GET /health/live': { json: { status: 'up' } } })
  const answered = await runEbs(['restore', system.saved, '--yes'], { ...system.session, url: api.url })

  expect(open).toMatchObject({ code: 1, err: expect.stringContaining('datagen.db') })
  expect(answered).toMatchObject({ code: 1, err: expect.stringContaining('still answers') })
})

test('definitions and held messages go from one RabbitMQ to another, a second time without doubling anything', async () => {
  await using old = await testVhost()
  await using young = await testVhost()
  using system = await savedAlone()
  const connect = (url: string) => connectAmqp(url, { service: 'test', plan: topologyPlan('quorum') })
  const before = connect(old.url)
  await before.ready()
  const parked = 'ebs.sideline.rule-1.process_consume'
  await before.declare({ name: parked, arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000 } })
  for (const queue of ['process_consume.dead', parked])
    await before.publish({
      ...{ exchange: '', key: queue, body: Buffer.from('no JSON \u{1F4A5}') },
      properties: {
        messageId: `m-${queue}`,
        type: 'TASK_CREATED',
        headers: { 'x-ebs-held': 'h-1', 'x-ebs-key': 'task-requests' },
      },
    })
  const at = (vhost: typeof old, url: string): Session => ({
    url,
    config: { ...system.session.config, amqpUrl: vhost.url, amqpManagementUrl: vhost.managementUrl },
  })

  // A hub that knows every group, so also the mark.
  const routes: Routes = { 'GET /api/sidelines': { json: { items: [{ id: 'rule-1', queues: ['process_consume'] }] } } }
  await using hub = await fakeApi(new Proxy(routes, { get: (known, name) => known[String(name)] ?? { json: {} } }))
  const saved = await runEbs(['backup', system.saved, '--messages', '-o', 'json'], at(old, hub.url))
  const config = { ...system.session.config, amqpUrl: old.url }
  const partly = await runEbs(['backup', `${system.saved}-2`], { url: hub.url, config })
  await before.close()
  const closed = await closedUrl()
  const restore = () =>
    runEbs(['restore', system.saved, '--definitions', '--messages', '--yes', '-o', 'json'], at(young, closed))
  const first = await restore()
  const second = await restore()

  expect(partly).toMatchObject({ code: 4, err: expect.stringContaining("Not saved: the broker's definitions") })
  expect(partly.out).toMatch(/datagen\.db +[\d,]+ +1 /)
  expect(JSON.parse(saved.out)).toMatchObject({
    mark: { isReached: true },
    messages: { 'process_consume.dead': 1, [parked]: 1 },
  })
  expect(JSON.parse(first.out)).toMatchObject({
    hasDefinitions: true,
    messages: { 'process_consume.dead': 1, [parked]: 1 },
  })
  expect(JSON.parse(second.out)).toMatchObject({ hasDefinitions: true, messages: {} })
  const [message] = await young.peek(parked, 2)
  expect(message).toMatchObject({
    payload: 'no JSON \u{1F4A5}',
    message_count: 0,
    properties: {
      message_id: `m-${parked}`,
      type: 'TASK_CREATED',
      headers: { 'x-ebs-held': 'h-1', 'x-ebs-key': 'task-requests' },
    },
  })
  expect(readFileSync(join(system.saved, 'definitions.json'), 'utf8')).not.toContain('password')
})
