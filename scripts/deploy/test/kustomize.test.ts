import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { processorConfig } from '../../../services/processor/config.ts'
import type { Env } from '../../../shared/service/config.ts'
import { services } from '../../services.ts'
import { definitionsOf } from './broker-definitions.ts'
import { keptPlace, type Manifest, ofKind, one, overlays, render, renderText } from './rendered.ts'
import { configs, unknownVariables } from './service-environment.ts'
import { referenceFaults, selectorFaults, type Workload, workloadsOf } from './workloads.ts'

/** Their APIs are built to answer while the broker is away: nobody takes them out of their Service then. */
const ANSWERS_WITHOUT_BROKER = ['gateway', 'datagen', 'hub', 'statistics']
/** A SQLite file belongs to one process. */
const WITH_STORE = ['datagen', 'hub', 'statistics']
const strings = z.record(z.string(), z.string())
const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync('package.json', 'utf8')))

/** What a container of this workload finds in its environment. */
function environmentOf({ container }: Workload, manifests: readonly Manifest[]): Env {
  const secret = (name: string, key: string) =>
    Buffer.from(strings.parse(one(manifests, 'Secret', name).data)[key] ?? '', 'base64').toString()
  return Object.assign(
    {},
    ...container.envFrom.map(({ configMapRef: { name } }) => strings.parse(one(manifests, 'ConfigMap', name).data)),
    ...container.env.map(({ name, value, valueFrom }) => ({
      [name]: valueFrom ? secret(valueFrom.secretKeyRef.name, valueFrom.secretKeyRef.key) : value,
    })),
  )
}

describe.each(overlays)('%s', (overlay) => {
  const manifests = render(overlay)
  const workloads = workloadsOf(manifests)
  const ours = services.map(({ name }) => {
    const workload = workloads.find((found) => found.name === name)
    if (!workload) throw new Error(`${overlay} has no Deployment ${name}.`)
    return { name, workload, env: environmentOf(workload, manifests) }
  })

  test('what it comes to is kept beside it, for who has no kubectl, and is up to date', async () => {
    await expect(renderText(overlay)).toMatchFileSnapshot(keptPlace(overlay))
  })

  test('every service is a Deployment of its name, and there is nothing else but the broker', () => {
    const broker = overlay === 'cluster' ? [] : ['rabbit']
    expect(workloads.map(({ name }) => name).sort()).toEqual([...services.map(({ name }) => name), ...broker].sort())
    expect(ofKind(manifests, 'RabbitmqCluster').map(({ metadata }) => metadata.name)).toEqual(
      overlay === 'cluster' ? ['rabbit'] : [],
    )
  })

  test('what is chosen by labels is there, and what is referred to by name', () => {
    expect([...selectorFaults(manifests), ...referenceFaults(manifests)]).toEqual([])
    expect(new Set(manifests.filter(({ kind }) => kind !== 'Namespace').map((one) => one.metadata.namespace))).toEqual(
      new Set(['ebs']),
    )
  })

  test('every service reads its variables without a complaint, knows each of them, and listens at port 80', () => {
    for (const { name, env } of ours) {
      expect({ name, unknown: unknownVariables(name, env) }).toEqual({ name, unknown: [] })
      expect(configs[name](env)).toMatchObject({ port: 80, host: '0.0.0.0', dataDir: '/data', warnings: [] })
    }
  })

  test('every service has a broker user of its own, and reaches the broker by the name of its service', () => {
    for (const { name, env } of ours) {
      const url = new URL(env.EBS_AMQP_URL ?? '')
      const management = env.EBS_AMQP_MANAGEMENT_URL
      expect([url.username, url.hostname, url.port]).toEqual([name, 'rabbit', '5672'])
      expect(management !== undefined).toBe(['hub', 'statistics'].includes(name))
      if (management === undefined) continue
      const at = new URL(management)
      expect([at.username, at.port]).toEqual([name, '15672'])
      // By another name only when it is that of the service in its namespace.
      expect(['rabbit', 'rabbit.ebs.svc']).toContain(at.hostname)
    }
  })

  test('the broker begins with a user for every service, and with the queues that are scaled by', () => {
    const secret = ofKind(manifests, 'Secret').find(({ metadata }) => metadata.name.startsWith('rabbit-definitions'))
    const scaledBy = [...JSON.stringify(ofKind(manifests, 'ScaledObject')).matchAll(/"queueName":"([^"]+)"/g)].map(
      ([, queue]) => queue,
    )
    const { users, queues: begun } = definitionsOf(
      Buffer.from(strings.parse(secret?.data)['definitions.json'] ?? '', 'base64').toString(),
    )
    expect(users).toEqual(expect.arrayContaining(services.map(({ name }) => name)))
    expect(begun).toEqual(expect.arrayContaining(scaledBy))
  })

  test('probes and `kubectl port-forward deployment/datagen 8000:80` find the port', () => {
    for (const { name, workload } of ours) {
      const { ports, startupProbe, livenessProbe, readinessProbe, args } = workload.container
      expect({ args, ports }).toEqual({ args: [name], ports: [{ name: 'http', containerPort: 80 }] })
      expect([startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet)).toEqual([
        { path: '/health/live', port: 'http' },
        { path: '/health/live', port: 'http' },
        { path: `/health/${ANSWERS_WITHOUT_BROKER.includes(name) ? 'serving' : 'ready'}`, port: 'http' },
      ])
    }
  })

  test('a pod is given more time to stop than its service takes', () => {
    for (const { name, workload, env } of ours) {
      const { terminationGracePeriodSeconds: graceS } = workload.pod.spec
      const waitsS = workload.container.lifecycle?.preStop.sleep.seconds ?? 0
      expect(graceS * 1_000).toBeGreaterThan(waitsS * 1_000 + configs[name](env).shutdownTimeoutMs)
    }
  })

  test('who has a store has a volume claim, is one, and is replaced only when it is gone', () => {
    for (const { name, workload } of ours) {
      const claims = workload.pod.spec.volumes.flatMap(({ persistentVolumeClaim: claim }) => claim?.claimName ?? [])
      const isAlone = workload.spec.strategy?.type === 'Recreate' && workload.spec.replicas === 1
      expect({ name, claims, isAlone }).toEqual({
        name,
        claims: WITH_STORE.includes(name) ? [name] : [],
        isAlone: WITH_STORE.includes(name),
      })
    }
  })

  test('nothing runs as root, may become it, or writes anywhere but to its volumes', () => {
    const pod = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
    const container = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    }
    for (const workload of workloads) {
      expect(workload.pod.spec.securityContext).toMatchObject(pod)
      expect(workload.container.securityContext).toEqual(container)
      expect(Object.keys(workload.container.resources.limits)).toEqual(['memory'])
    }
    for (const { metadata } of ofKind(manifests, 'Namespace'))
      expect(metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted')
  })

  test('images are named with a version, and all services run the same', () => {
    expect(new Set(ours.map(({ workload }) => workload.container.image))).toEqual(
      new Set([overlay === 'local' ? 'ebs:local' : `ghcr.io/ebs/ebs:${version}`]),
    )
    expect(JSON.stringify(manifests)).not.toMatch(/:latest"/)
  })
})

const cluster = render('cluster')
const hubbed = render('hubbed')

test('autoscaling asks for queues that there are, and says nothing of replicas itself', () => {
  const scaled = ofKind(cluster, 'ScaledObject').map(({ metadata, spec }) => {
    const { triggers } = z
      .looseObject({ triggers: z.array(z.looseObject({ metadata: z.looseObject({ queueName: z.string() }) })) })
      .parse(spec)
    return { name: metadata.name, queueNames: triggers.map((trigger) => trigger.metadata.queueName) }
  })
  // All that they consume: work of one kind waits no shorter for another one being idle.
  expect(scaled).toEqual([
    { name: 'distributor', queueNames: ['distributor_consume'] },
    { name: 'processor', queueNames: [...processorConfig({}).retry.keys()] },
  ])
  for (const { name } of scaled) {
    expect(workloadsOf(cluster).find((workload) => workload.name === name)?.spec.replicas).toBeUndefined()
  }
})

test('`kubectl port-forward deployment/rabbit 15672` finds the port', () => {
  const rabbit = workloadsOf(hubbed).find(({ name }) => name === 'rabbit')
  expect(rabbit?.container.ports.map(({ containerPort }) => containerPort)).toEqual([5672, 15672, 15692])
})

test('network policies open ports that somebody listens at', () => {
  const known = new Set<unknown>(['http', 53, 443, 5671, 5672, 15671, 15672, 15691, 15692])
  for (const manifests of [hubbed, cluster])
    for (const { metadata, spec } of ofKind(manifests, 'NetworkPolicy')) {
      const ports = [...JSON.stringify(spec).matchAll(/"port":("[^"]*"|\d+)/g)].map(([, port = '']) => JSON.parse(port))
      expect({ name: metadata.name, strange: ports.filter((port) => !known.has(port)) }).toEqual({
        name: metadata.name,
        strange: [],
      })
    }
})

const changed = (from: string, to: string): readonly Manifest[] => {
  const text = JSON.stringify(hubbed)
  expect(text).toContain(from)
  return JSON.parse(text.replace(from, to))
}

test.each([
  {
    slip: 'a pod without the label that its Deployment chooses',
    manifests: () =>
      changed(
        '"template":{"metadata":{"labels":{"app.kubernetes.io/name":"datagen",',
        '"template":{"metadata":{"labels":{',
      ),
    fault: 'Deployment datagen does not choose its own pods',
  },
  {
    slip: 'a service with the port of another name',
    manifests: () => changed('"targetPort":"http"', '"targetPort":"web"'),
    fault: 'Service datagen: its pods have no port web',
  },
  {
    slip: 'a budget for nobody',
    manifests: () =>
      changed(
        '"spec":{"maxUnavailable":1,"selector":{"matchLabels":{"app.kubernetes.io/name":"datagen"}}}',
        '"spec":{"maxUnavailable":1,"selector":{"matchLabels":{"app.kubernetes.io/name":"datagne"}}}',
      ),
    fault: 'PodDisruptionBudget datagen: ',
  },
])('$slip is found', ({ manifests, fault }) => {
  expect(selectorFaults(manifests())).toContain(fault)
})

test('a reference to a secret that is not there is found', () => {
  const without = hubbed.filter(({ metadata }) => !metadata.name.startsWith('broker-hub'))
  expect(referenceFaults(without).join('\n')).toMatch(
    /hub refers to amqp-url of Secret broker-hub-\w+, which is not there/,
  )
})

test('a variable that no service reads is found', () => {
  expect(unknownVariables('hub', { EBS_HOST: '127.0.0.1', EBS_HSOT: 'x', EBS_WHATEVER: 'y', PATH: '' })).toEqual([
    'EBS_HSOT',
    'EBS_WHATEVER',
  ])
})
