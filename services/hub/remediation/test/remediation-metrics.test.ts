import { expect, test, vi } from 'vitest'
import { createLog } from '../../../../shared/service/log.ts'
import { createMetrics } from '../../../../shared/service/metrics.ts'
import { measureFailures, measureRemediation } from '../remediation-metrics.ts'
import { remediationSite } from './remediation-fixture.ts'

test('a scrape counts who needs a person, and reads none of them', async () => {
  await using site = await remediationSite()
  await site.stuck('o1.main')
  await site.stuck('o2.main')
  await site.begin('o3.main', { type: 'unheard-of' })
  const list = vi.spyOn(site.store.reader, 'listConversations')
  const metrics = createMetrics()
  measureRemediation(metrics, site)

  const text = await metrics.text()

  expect(text).toContain('ebs_remediation_items{attention="remediation"} 2')
  expect(text).toContain('ebs_remediation_items{attention="unknown-type"} 1')
  expect(text).toContain('ebs_remediation_items{attention="overdue"} 0')
  expect(list).not.toHaveBeenCalled()
})

test('journeys that could not be looked after are counted, and logged by their ids', async () => {
  const metrics = createMetrics()
  const log = createLog({ service: 'hub', level: 'silent' })
  const error = vi.spyOn(log, 'error')

  measureFailures(metrics, log)('o1.main', new Error('expected string'))

  expect(await metrics.text()).toContain('ebs_remediation_failures_total{during="sweep"} 1')
  expect(error.mock.calls[0]?.[0]).toMatchObject({ journey: 'o1.main', err: { message: 'expected string' } })
})
