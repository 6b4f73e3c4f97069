import type { BenchBroker } from '../bench/vhost.ts'
import { exitCodes } from '../cli/exit-code.ts'
import { deadGroupsOf, jobsOf, totalsOf } from './answers.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { openSite, type Site } from './site.ts'
import type { Stage } from './stage.ts'
import { type Sum, tell, tellSums } from './sums.ts'
import { isSoInTime, until } from './until.ts'

const DEAD_QUEUE = 'process_consume.dead'
const CANARY = 10
const OBJECTS = 200

/** Every attempt fails, and none is made again: what a plain programming error does, without the wait. */
const bug = { EBS_TASK_FAILURE_RATE: '1', EBS_RETRY_PROCESS_CONSUME_POLICY: 'never' }

/** A processor deployed with a bug, what became of its messages, and how all of them are brought back; gives the exit code. */
export async function badDeploy(broker: BenchBroker, stage: Stage, objects = OBJECTS): Promise<number> {
  stage.title('A bad deploy')
  await using site = await openSite(broker, {
    name: 'bad-deploy',
    env: { EBS_TASKS_PER_OBJECT: '1' },
    processor: bug,
  })
  await using ledger = await openLedger(site.amqpUrl)
  const [hub, statistics] = [site.api('hub'), site.api('statistics')]
  const deadNow = async () => (await deadGroupsOf(hub)).reduce((sum, { count }) => sum + count, 0)
  stage.say(...site.addresses)

  stage.step(`A processor with a bug is deployed, and ${objects} objects come, of one task each.`)
  await site.ebs('object', 'create', '--count', String(objects), '--tenant', 'acme')
  await until('waiting until all are dead', async () => (await deadNow()) >= objects)
  stage.say(
    `${ledger.tasks().sent} tasks sent, ${ledger.tasks().handled} handled, ${await deadNow()} dead. They wait here:`,
  )
  stage.say(site.pageOf(DEAD_QUEUE))

  stage.step('One bug is one group.')
  await site.ebs('dead', 'groups')
  const groups = await deadGroupsOf(hub)
  const group = groups[0]?.fingerprint ?? ''
  const inGroup = groups[0]?.count ?? 0
  await stage.pause()

  stage.step(`Somebody is hasty: ${CANARY} are tried before the bug is fixed.`)
  const replay = ['dead', 'replay', '--group', group, '--canary', String(CANARY), '--yes', '--reason']
  const hasty = await site.ebs(...replay, 'is it gone?')
  const [first] = await jobsOf(hub)
  if (!first) throw new Error('The hub knows of no replay.')
  stage.say(`It has stopped by itself, with exit code ${hasty}: ${first.moved} were tried, the rest has not moved.`)
  await site.ebs('replay', 'cancel', first.id, '--reason', 'not fixed yet')
  await until('waiting until all are dead again', async () => (await deadNow()) >= objects)
  const afterHaste = { dead: await deadNow(), handled: ledger.tasks().handled }
  stage.say(`${afterHaste.handled} handled, ${afterHaste.dead} dead: as before.`)
  await stage.pause()

  stage.step('The bug is fixed and the processor deployed again.')
  await site.deploy({})
  stage.say('The new processor is ready. Nothing happens by itself: what is dead stays dead until somebody replays it.')

  stage.step(`${CANARY} first again; when these are handled the rest follows.`)
  const fixed = await site.ebs(...replay, 'fixed')
  await site.ebs('dead', 'groups')
  stage.say(`${site.pageOf(DEAD_QUEUE)} is empty.`)
  await stage.pause()

  stage.step('The sums.')
  await isSoInTime('waiting until everything is counted', async () => {
    const { tasks_finished: counted } = await totalsOf(statistics)
    return ledger.tasks().handled >= objects && counted >= objects
  })
  await tellJobs(site)
  tellObjects(stage, ledger)
  return tellSums([
    { what: 'groups', expected: 1, found: groups.length },
    { what: 'messages in it', expected: objects, found: inGroup },
    { what: 'the hasty replay ended as partly done: exit code', expected: exitCodes.partly, found: hasty ?? -1 },
    { what: 'messages that it tried', expected: CANARY, found: first.moved },
    { what: 'after it: handled + dead', expected: objects, found: afterHaste.handled + afterHaste.dead },
    { what: 'the replay after the fix: exit code', expected: exitCodes.ok, found: fixed ?? -1 },
    ...(await sumsOf(site, ledger, { objects, dead: await deadNow() })),
  ])
}

async function tellJobs(site: Site): Promise<void> {
  tell(
    [
      { head: 'REPLAY', of: ({ id }) => id, isWhole: true },
      { head: 'STATUS', of: ({ status }) => status, isWhole: true },
      { head: 'SENT', of: ({ moved }) => moved, isNumber: true },
      { head: 'HANDLED', of: ({ handled }) => handled, isNumber: true },
      { head: 'DEAD AGAIN', of: ({ dead }) => dead, isNumber: true },
    ],
    await jobsOf(site.api('hub')),
  )
}

/** An object ends with the death of its task; a replay does the work and does not take back what was told. */
function tellObjects(stage: Stage, ledger: Ledger): void {
  const { completed, failed } = ledger.objects()
  stage.say('', `Objects, as their makers were told when the tasks died: ${failed} failed, ${completed} completed.`)
  if (failed > 0) stage.say('The replay has done the work; it does not take back what was told.')
}

async function sumsOf(
  site: Site,
  ledger: Ledger,
  { objects, dead }: { readonly objects: number; readonly dead: number },
): Promise<Sum[]> {
  const counted = await totalsOf(site.api('statistics'))
  const jobs = await jobsOf(site.api('hub'))
  const tasks = ledger.tasks()
  const { completed, failed } = ledger.objects()
  const broughtBack = jobs.reduce((sum, { handled }) => sum + handled, 0)
  return [
    { what: 'tasks sent', expected: objects, found: tasks.sent },
    { what: 'tasks sent = handled + dead', expected: tasks.sent, found: tasks.handled + dead },
    { what: 'tasks still dead', expected: 0, found: dead },
    { what: 'tasks handled twice', expected: 0, found: tasks.again },
    { what: 'tasks handled, as statistics counts', expected: objects, found: counted.tasks_finished },
    { what: 'deaths: all once, the canary once more', expected: objects + CANARY, found: counted.messages_dead },
    { what: 'tasks failed for good, as statistics counts', expected: 0, found: counted.tasks_failed },
    { what: 'objects that ended', expected: objects, found: completed + failed },
    { what: 'tasks brought back', expected: objects, found: broughtBack },
  ]
}
