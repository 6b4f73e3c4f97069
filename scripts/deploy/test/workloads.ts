import { z } from 'zod'
import { type Manifest, ofKind } from './rendered.ts'

const labels = z.record(z.string(), z.string())
const probe = z.looseObject({ httpGet: z.looseObject({ path: z.string(), port: z.string() }).optional() })
const keyRef = z.object({ name: z.string(), key: z.string() })
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()).default([]),
  ports: z.array(z.object({ name: z.string(), containerPort: z.int() })).default([]),
  env: z
    .array(
      z.object({
        name: z.string(),
        value: z.string().optional(),
        valueFrom: z.object({ secretKeyRef: keyRef }).optional(),
      }),
    )
    .default([]),
  envFrom: z.array(z.object({ configMapRef: z.object({ name: z.string() }) })).default([]),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.int() }) }) }).optional(),
  resources: z.looseObject({ requests: labels, limits: labels }),
  securityContext: z.unknown(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
})
const volume = z.looseObject({
  name: z.string(),
  secret: z.object({ secretName: z.string() }).optional(),
  configMap: z.object({ name: z.string() }).optional(),
  persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
})
const deployment = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: labels.default({}) }),
  spec: z.looseObject({
    replicas: z.int().optional(),
    strategy: z.object({ type: z.string() }).optional(),
    selector: z.object({ matchLabels: labels }),
    template: z.object({
      metadata: z.object({ labels }),
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.int(),
        securityContext: z.unknown(),
        containers: z.tuple([container]),
        volumes: z.array(volume).default([]),
      }),
    }),
  }),
})
const service = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    selector: labels,
    ports: z.array(z.object({ name: z.string(), port: z.int(), targetPort: z.string() })),
  }),
})
const chosen = z.looseObject({
  matchLabels: labels.default({}),
  matchExpressions: z
    .array(z.object({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .default([]),
})

export type Workload = {
  readonly name: string
  readonly spec: z.output<typeof deployment>['spec']
  readonly pod: z.output<typeof deployment>['spec']['template']
  readonly container: z.output<typeof container>
}

/** The Deployments; throws for what every one of ours has and one lacks, such as a probe. */
export const workloadsOf = (manifests: readonly Manifest[]): readonly Workload[] =>
  ofKind(manifests, 'Deployment').map((one) => {
    const { metadata, spec } = deployment.parse(one)
    return { name: metadata.name, spec, pod: spec.template, container: spec.template.spec.containers[0] }
  })

/** Labels of the pods that there will be, by the name of what makes them. The RabbitMQ Cluster Operator gives its pods these. */
export const podsOf = (manifests: readonly Manifest[]): ReadonlyMap<string, Readonly<Record<string, string>>> =>
  new Map([
    ...workloadsOf(manifests).map(({ name, pod }) => [name, pod.metadata.labels] as const),
    ...ofKind(manifests, 'RabbitmqCluster').map(
      ({ metadata: { name } }) =>
        [
          name,
          {
            'app.kubernetes.io/name': name,
            'app.kubernetes.io/component': 'rabbitmq',
            'app.kubernetes.io/part-of': 'rabbitmq',
          },
        ] as const,
    ),
  ])

const isChosen = (selector: unknown, pod: Readonly<Record<string, string>>) => {
  const { matchLabels, matchExpressions } = chosen.parse(selector)
  return (
    Object.entries(matchLabels).every(([key, value]) => pod[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(pod[key] ?? ''))
  )
}

/** Selectors that choose nothing, or not what they should, and ports that are not there. */
export function selectorFaults(manifests: readonly Manifest[]): readonly string[] {
  const pods = podsOf(manifests)
  const whoIs = (selector: unknown) => [...pods].filter(([, pod]) => isChosen(selector, pod)).map(([name]) => name)
  const ports = new Map(workloadsOf(manifests).map(({ name, container }) => [name, container.ports]))
  return [
    ...workloadsOf(manifests)
      .filter(({ spec, pod }) => !isChosen(spec.selector, pod.metadata.labels))
      .map(({ name }) => `Deployment ${name} does not choose its own pods`),
    ...ofKind(manifests, 'Service').flatMap((one) => {
      const { metadata, spec } = service.parse(one)
      const who = whoIs({ matchLabels: spec.selector })
      return [
        ...(who.join() === metadata.name ? [] : [`Service ${metadata.name} chooses ${who.join(', ') || 'nobody'}`]),
        ...spec.ports
          .filter(({ targetPort }) => !ports.get(metadata.name)?.some(({ name }) => name === targetPort))
          .map(({ targetPort }) => `Service ${metadata.name}: its pods have no port ${targetPort}`),
      ]
    }),
    ...ofKind(manifests, 'PodDisruptionBudget').flatMap((one) => {
      const who = whoIs(z.looseObject({ selector: z.unknown() }).parse(one.spec).selector)
      return who.join() === one.metadata.name ? [] : [`PodDisruptionBudget ${one.metadata.name}: ${who.join(', ')}`]
    }),
    ...ofKind(manifests, 'NetworkPolicy').flatMap((one) => {
      const { podSelector } = z.looseObject({ podSelector: z.unknown() }).parse(one.spec)
      return whoIs(podSelector).length > 0 ? [] : [`NetworkPolicy ${one.metadata.name} is about nobody`]
    }),
    ...ofKind(manifests, 'PodMonitor').flatMap((one) => {
      const { selector } = z.looseObject({ selector: z.unknown() }).parse(one.spec)
      return whoIs(selector).length > 0 ? [] : [`PodMonitor ${one.metadata.name} asks nobody`]
    }),
  ]
}

/** Names that resources refer to and that are not there. */
export function referenceFaults(manifests: readonly Manifest[]): readonly string[] {
  const there = new Set(manifests.map(({ kind, metadata: { name } }) => `${kind} ${name}`))
  const keys = new Map(
    ofKind(manifests, 'Secret').map(({ metadata, data }) => [metadata.name, Object.keys(labels.parse(data ?? {}))]),
  )
  const missing = (by: string, kind: string, name: string) =>
    there.has(`${kind} ${name}`) ? [] : [`${by} refers to ${kind} ${name}, which is not there`]
  const missingKey = (by: string, { name, key }: { name: string; key: string }) =>
    keys.get(name)?.includes(key) ? [] : [`${by} refers to ${key} of Secret ${name}, which is not there`]
  return [
    ...workloadsOf(manifests).flatMap(({ name, pod, container }) => [
      ...container.envFrom.flatMap(({ configMapRef }) => missing(name, 'ConfigMap', configMapRef.name)),
      ...container.env.flatMap(({ valueFrom }) => (valueFrom ? missingKey(name, valueFrom.secretKeyRef) : [])),
      ...pod.spec.volumes.flatMap(({ secret, configMap, persistentVolumeClaim: claim }) => [
        ...(secret ? missing(name, 'Secret', secret.secretName) : []),
        ...(configMap ? missing(name, 'ConfigMap', configMap.name) : []),
        ...(claim ? missing(name, 'PersistentVolumeClaim', claim.claimName) : []),
      ]),
      ...container.volumeMounts
        .filter((mount) => !pod.spec.volumes.some((one) => one.name === mount.name))
        .map((mount) => `${name} mounts ${mount.name}, which is no volume`),
    ]),
    ...ofKind(manifests, 'RabbitmqCluster').flatMap(({ metadata, spec }) =>
      [...JSON.stringify(spec).matchAll(/"secretName":"([^"]+)"/g)].flatMap(([, secret = '']) =>
        missing(metadata.name, 'Secret', secret),
      ),
    ),
    ...ofKind(manifests, 'TriggerAuthentication').flatMap(({ metadata, spec }) =>
      z
        .object({ secretTargetRef: z.array(keyRef) })
        .parse(spec)
        .secretTargetRef.flatMap((ref) => missingKey(metadata.name, ref)),
    ),
    ...ofKind(manifests, 'ScaledObject').flatMap(({ metadata, spec }) => {
      const { scaleTargetRef, triggers } = z
        .looseObject({
          scaleTargetRef: z.object({ name: z.string() }),
          triggers: z.array(z.looseObject({ authenticationRef: z.object({ name: z.string() }) })),
        })
        .parse(spec)
      return [
        ...missing(metadata.name, 'Deployment', scaleTargetRef.name),
        ...triggers.flatMap(({ authenticationRef }) =>
          missing(metadata.name, 'TriggerAuthentication', authenticationRef.name),
        ),
      ]
    }),
  ]
}
