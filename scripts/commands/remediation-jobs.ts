import { actVerb } from '../cli/acting.ts'
import { listVerb } from '../cli/listing.ts'
import { asText, flag, value } from '../cli/options.ts'
import { followRemediation, remediationJobsPath } from '../cli/remediation-job.ts'
import { showVerb } from '../cli/showing.ts'
import { part, verb } from '../cli/verb.ts'
import { ageOf, lineOf } from '../cli/wording.ts'

const place = { service: 'hub', path: remediationJobsPath } as const
const example = '0190c5a0-7d3e-7000-8000-000000000002'

export const jobVerbs = part('jobs', 'jobs that decide the same about many journeys', [
  listVerb({
    ...place,
    path: () => place.path,
    says: 'List jobs, newest first.',
    examples: ['ebs remediation jobs list --open'],
    filters: {
      open: flag('--open', 'only those that go on'),
      status: value('--status <status>', 'running, completed or cancelled', asText),
    },
    query: ({ open, status }) => ({ open: open || undefined, status }),
    columns: (nowMs) => [
      { head: 'ID', of: ({ id }) => id, isWhole: true },
      { head: 'ACT', of: ({ act }) => act },
      { head: 'STATUS', of: ({ status }) => status, isWhole: true, isStatus: true },
      { head: 'TOTAL', of: ({ total }) => total, isNumber: true },
      { head: 'DONE', of: ({ done }) => done, isNumber: true },
      { head: 'REFUSED', of: ({ refused }) => refused, isNumber: true },
      { head: 'AGE', of: ({ startedAt }) => ageOf(startedAt, nowMs), isNumber: true },
      { head: 'REASON', of: ({ reason }) => reason, isMinor: true },
    ],
    none: 'There are no such jobs.',
  }),
  showVerb({
    ...place,
    says: 'Show how far a job is, and which journeys refused, and why.',
    examples: [`ebs remediation jobs show ${example}`],
  }),
  verb({
    name: 'watch <id>',
    says: 'Follow a job to its end. Ctrl-C leaves it running.',
    examples: [`ebs remediation jobs watch ${example}`],
    options: {},
    run: (cli, _given, [id = '']) => followRemediation(cli, id),
  }),
  actVerb({
    ...place,
    act: 'cancel',
    says: 'End a job; what it has decided stays decided.',
    examples: [`ebs remediation jobs cancel ${example} --reason 'wrong step'`],
    options: {},
    body: () => ({}),
    done: (id, { status }) => `The job ${id} is ${lineOf(status)}.`,
  }),
])
