import { parkingQueueOf } from '../../shared/topology.ts'
import { spreadOf } from '../bench/quantile.ts'
import type { BenchBroker } from '../bench/vhost.ts'
import { jobsOf, ruleOf, totalsOf } from './answers.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { type Load, startLoad } from './load.ts'
import { openSite, type Site } from './site.ts'
import type { Stage } from './stage.ts'
import { type Sum, tell, tellSums } from './sums.ts'
import { isSoInTime, until } from './until.ts'

const QUEUE = 'process_consume'
const DOWN = 'acme'
const OTHERS = ['blue', 'coral']
const TENANTS = [DOWN, ...OTHERS]
const RULE = 'acme-down'
const WHERE = `tenant == "${DOWN}"`
const TASKS_PER_OBJECT = 3
const CANARY = 10
/** Before, while and after the tenant is set aside. */
const PHASES = 3
const OBJECTS = 450

type Phase = { readonly name: string; readonly fromMs: number; readonly toMs: number }

/** Three tenants under load, one of them set aside and brought back; gives the exit code. */
export async function oneTenantDown(broker: BenchBroker, stage: Stage, objects = OBJECTS): Promise<number> {
  const perPhase = Math.ceil(objects / PHASES)
  const parkingQueue = parkingQueueOf(RULE, QUEUE)
  stage.title('One tenant is down')
  await using site = await openSite(broker, {
    name: 'one-tenant-down',
    env: { EBS_TASKS_PER_OBJECT: String(TASKS_PER_OBJECT) },
    processor: {},
  })
  await using ledger = await openLedger(site.amqpUrl)
  stage.say(...site.addresses)

  stage.step('Three tenants make objects; each object is three tasks.')
  const load = startLoad(site.api('datagen'), TENANTS)
  const startMs = Date.now()
  await load.more(perPhase)
  const { completed } = ledger.objects()
  stage.say(`${load.total} objects made by ${TENANTS.join(', ')}, ${completed} completed. It goes on while you read.`)

  stage.step(`The database of ${DOWN} is down. Its messages are set aside, and only these.`)
  await site.ebs('sideline', 'try', '--where', WHERE, '--queue', QUEUE)
  await site.ebs('sideline', 'start', RULE, '--where', WHERE, '--queue', QUEUE, '--reason', 'their database is down')
  const parkedMs = Date.now()

  stage.step('Watch its queue grow while the others go on.')
  stage.say(site.pageOf(parkingQueue))
  await until('waiting until enough is parked', async () => (await ruleOf(site.api('hub'), RULE)).parked > CANARY)
  await site.ebs('sideline', 'list', '--open')
  await stage.pause()
  await load.more(perPhase)
  await site.ebs('sideline', 'list', '--open')
  stage.say(`${ledger.startsBetween(DOWN, parkedMs, Date.now())} tasks of ${DOWN} were begun since the rule is active.`)

  stage.step(`The database is back: ${CANARY} first, then the rest, while new objects are made.`)
  await stage.pause()
  const liftedMs = Date.now()
  await site.ebs('sideline', 'resolve', RULE, '--canary', String(CANARY), '--reason', 'their database is back')
  const closedMs = Date.now()
  for (const { id, history } of await jobsOf(site.api('hub')))
    for (const { what, detail } of history) stage.say(`${id}: ${what}${detail === undefined ? '' : `, ${detail}`}`)
  const isGone = await isSoInTime('waiting until its queue is gone', async () => !(await site.hasQueue(parkingQueue)))
  if (isGone) stage.say(`${parkingQueue} is empty and gone.`)
  await stage.pause()
  await load.more(perPhase)
  await load.stop()
  const phases = [
    { name: 'before', fromMs: startMs, toMs: parkedMs },
    { name: `while ${DOWN} is set aside`, fromMs: parkedMs, toMs: liftedMs },
    { name: 'while it is brought back', fromMs: liftedMs, toMs: closedMs },
    { name: 'after', fromMs: closedMs, toMs: Number.POSITIVE_INFINITY },
  ]

  stage.step('The sums.')
  await isSoInTime('waiting until everything is counted', async () => {
    const { objects_completed: counted } = await totalsOf(site.api('statistics'))
    return ledger.objects().completed >= load.total && counted >= load.total
  })
  tellTenants(ledger, load)
  tellLatencies(ledger, phases)
  const leaks = ledger.startsBetween(DOWN, parkedMs, liftedMs)
  return tellSums([
    ...(await sumsOf(site, ledger, load)),
    { what: `leaks: tasks of ${DOWN} begun while it was set aside`, expected: 0, found: leaks },
    { what: 'its parking queue is gone (1: yes)', expected: 1, found: Number(isGone) },
  ])
}

function tellTenants(ledger: Ledger, { accepted }: Load): void {
  tell(
    [
      { head: 'TENANT', of: (tenant) => tenant, isWhole: true },
      { head: 'OBJECTS', of: (tenant) => accepted.get(tenant), isNumber: true },
      { head: 'COMPLETED', of: (tenant) => ledger.objects(tenant).completed, isNumber: true },
      { head: 'TASKS', of: (tenant) => ledger.tasks(tenant).sent, isNumber: true },
      { head: 'HANDLED', of: (tenant) => ledger.tasks(tenant).handled, isNumber: true },
    ],
    TENANTS,
  )
}

/** How the others fared: told, not judged, because it says as much about this machine. */
function tellLatencies(ledger: Ledger, phases: readonly Phase[]): void {
  const rows = phases.map(({ name, fromMs, toMs }) => {
    const took = ledger.objectMs(OTHERS, fromMs, toMs)
    return { name, objects: took.length, ...spreadOf(took) }
  })
  const ms = (value: number) => (Number.isNaN(value) ? undefined : Math.round(value))
  tell(
    [
      { head: `OBJECTS OF ${OTHERS.join(' AND ').toUpperCase()}`, of: ({ name }) => name, isWhole: true },
      { head: 'OBJECTS', of: ({ objects }) => objects, isNumber: true },
      { head: 'P50 MS', of: ({ p50 }) => ms(p50), isNumber: true },
      { head: 'P99 MS', of: ({ p99 }) => ms(p99), isNumber: true },
      { head: 'MAX MS', of: ({ max }) => ms(max), isNumber: true },
    ],
    rows,
  )
}

async function sumsOf(site: Site, ledger: Ledger, load: Load): Promise<Sum[]> {
  const counted = await totalsOf(site.api('statistics'))
  const { status, parked } = await ruleOf(site.api('hub'), RULE)
  const jobs = await jobsOf(site.api('hub'))
  const tasks = ledger.tasks()
  const objects = ledger.objects()
  const dead = counted.messages_dead
  const broughtBack = jobs.reduce((sum, { handled }) => sum + handled, 0)
  const canary = jobs[0]?.history.find(({ what }) => what === 'canary passed')
  return [
    { what: 'tasks sent = objects x 3', expected: load.total * TASKS_PER_OBJECT, found: tasks.sent },
    { what: 'tasks sent = handled + parked + dead', expected: tasks.sent, found: tasks.handled + parked + dead },
    { what: 'tasks still parked', expected: 0, found: parked },
    { what: 'tasks handled twice', expected: 0, found: tasks.again },
    { what: 'tasks handled, as statistics counts', expected: tasks.handled, found: counted.tasks_finished },
    { what: 'parked at any time = brought back', expected: counted.messages_parked, found: broughtBack },
    {
      what: `the canary: ${CANARY} sent, 0 failed (1: yes)`,
      expected: 1,
      found: Number(canary?.detail === `${CANARY} sent, 0 failed`),
    },
    { what: 'objects completed', expected: load.total, found: objects.completed },
    { what: 'objects that ended twice', expected: 0, found: objects.again },
    { what: 'the rule is closed (1: yes)', expected: 1, found: Number(status === 'closed') },
  ]
}
