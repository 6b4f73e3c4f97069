import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication'
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor'
import { PrometheusRule } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim'
import { Pod } from 'kubernetes-models/v1/Pod'
import { Secret } from 'kubernetes-models/v1/Secret'
import { Service } from 'kubernetes-models/v1/Service'
import { z } from 'zod'
import type { Manifest } from './rendered.ts'
import { watch } from './watched.ts'

/** A kind with its JSON schema, which its package has compiled into `validate`. */
type Model = { readonly prototype: { validate(this: unknown): void } }

/** By `apiVersion/kind`. */
const models: Readonly<Record<string, Model>> = {
  'v1/ConfigMap': ConfigMap,
  'v1/Namespace': Namespace,
  'v1/PersistentVolumeClaim': PersistentVolumeClaim,
  'v1/Secret': Secret,
  'v1/Service': Service,
  'apps/v1/Deployment': Deployment,
  'networking.k8s.io/v1/NetworkPolicy': NetworkPolicy,
  'policy/v1/PodDisruptionBudget': PodDisruptionBudget,
  'keda.sh/v1alpha1/ScaledObject': ScaledObject,
  'keda.sh/v1alpha1/TriggerAuthentication': TriggerAuthentication,
  'monitoring.coreos.com/v1/PodMonitor': PodMonitor,
  'monitoring.coreos.com/v1/PrometheusRule': PrometheusRule,
}

const pod = z.looseObject({ containers: z.array(z.looseObject({ name: z.string() })) })

/**
 * What we use of the RabbitMQ Cluster Operator's resource; no package has its schema.
 * https://github.com/rabbitmq/cluster-operator/blob/main/docs/api/rabbitmq.com.ref.asciidoc
 */
const rabbitmqCluster = z.strictObject({
  apiVersion: z.literal('rabbitmq.com/v1beta1'),
  kind: z.literal('RabbitmqCluster'),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.strictObject({
    replicas: z.int().min(0),
    image: z.string(),
    persistence: z.strictObject({ storage: z.string(), storageClassName: z.string().optional() }),
    resources: z.unknown(),
    affinity: z.unknown(),
    rabbitmq: z.strictObject({ additionalPlugins: z.array(z.string()).optional(), additionalConfig: z.string() }),
    override: z.strictObject({
      statefulSet: z.strictObject({ spec: z.strictObject({ template: z.strictObject({ spec: pod }) }) }),
    }),
  }),
})

/** What Kubernetes would refuse or drop of a manifest, each with where it is. Fields that no schema knows are faults, too. */
export function schemaFaults(manifest: Manifest): readonly string[] {
  const { apiVersion, kind } = manifest
  const model = models[`${apiVersion}/${kind}`]
  const unknown = [`there is no schema for ${apiVersion}`]
  const faults = kind === 'RabbitmqCluster' ? clusterFaults(manifest) : model ? modelFaults(model, manifest) : unknown
  return faults.map((fault) => `${kind} ${manifest.metadata.name}: ${fault}`)
}

function modelFaults({ prototype }: Model, data: unknown): readonly string[] {
  const { watched, findUnread } = watch(data)
  try {
    prototype.validate.call(watched)
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
  return findUnread().map((path) => `${path} is no field`)
}

/** Its pods are those that the operator makes, with what is given here: so that must be valid as a part of a pod. */
function clusterFaults(manifest: Manifest): readonly string[] {
  const { data, error } = rabbitmqCluster.safeParse(manifest)
  if (!data) return error.issues.map(({ path, message }) => `/${path.join('/')} ${message}`)
  const { affinity, resources, override } = data.spec
  const given = override.statefulSet.spec.template.spec
  const containers = given.containers.map((container) => ({ ...container, resources }))
  const spec = { ...given, affinity, containers }
  return modelFaults(Pod, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'rabbit' }, spec })
}
