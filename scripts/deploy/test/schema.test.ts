import { describe, expect, test } from 'vitest'
import { type Manifest, one, overlays, render } from './rendered.ts'
import { schemaFaults } from './schema-faults.ts'

describe.each(overlays)('%s', (overlay) => {
  test('is rendered, and every manifest is what Kubernetes and the operators take', () => {
    const manifests = render(overlay)
    expect(manifests.length).toBeGreaterThan(25)
    expect(manifests.flatMap(schemaFaults)).toEqual([])
  })
})

const cluster = render('cluster')

test.each([
  {
    slip: 'a misspelt field',
    kind: 'Deployment',
    name: 'hub',
    from: '"terminationGracePeriodSeconds":30',
    to: '"terminationGracePeriod":30',
    fault: /Deployment hub: \/spec\/template\/spec\/terminationGracePeriod is no field/,
  },
  {
    slip: 'a misspelt field of a container',
    kind: 'Deployment',
    name: 'hub',
    from: '"envFrom"',
    to: '"envform"',
    fault: /\/spec\/template\/spec\/containers\/0\/envform is no field/,
  },
  {
    slip: 'a number that is written as text',
    kind: 'Deployment',
    name: 'hub',
    from: '"containerPort":80',
    to: '"containerPort":"80"',
    fault: /containers\/0\/ports\/0\/containerPort/,
  },
  {
    slip: 'a field that is missing',
    kind: 'Deployment',
    name: 'hub',
    from: '"selector"',
    to: '"chooser"',
    fault: /selector/,
  },
  {
    slip: 'a misspelt field of KEDA',
    kind: 'ScaledObject',
    name: 'processor',
    from: '"maxReplicaCount"',
    to: '"maxReplicas"',
    fault: /\/spec\/maxReplicas is no field/,
  },
  {
    slip: 'a misspelt field of a monitor',
    kind: 'PodMonitor',
    name: 'ebs',
    from: '"podMetricsEndpoints"',
    to: '"endpoints"',
    fault: /podMetricsEndpoints|endpoints/,
  },
  {
    slip: 'a misspelt field of the RabbitMQ cluster',
    kind: 'RabbitmqCluster',
    name: 'rabbit',
    from: '"additionalConfig"',
    to: '"additionalconfig"',
    fault: /\/spec\/rabbitmq .*additionalconfig/,
  },
  {
    slip: 'a misspelt field in what the RabbitMQ cluster overrides',
    kind: 'RabbitmqCluster',
    name: 'rabbit',
    from: '"secretName"',
    to: '"secret_name"',
    fault: /\/spec\/volumes\/0\/secret\/secret_name is no field/,
  },
])('$slip is found', ({ kind, name, from, to, fault }) => {
  const text = JSON.stringify(one(cluster, kind, name))
  expect(text).toContain(from)
  const slipped: Manifest = JSON.parse(text.replace(from, to))

  expect(schemaFaults(slipped).join('\n')).toMatch(fault)
})
