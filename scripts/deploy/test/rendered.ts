import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

export const root = join(import.meta.dirname, '..', '..', '..')
export const overlays = ['hubbed', 'local', 'cluster'] as const
export type Overlay = (typeof overlays)[number]

/** Whoever can render an overlay, in the order in which they are tried. */
const renderers = [
  { program: 'kubectl', words: ['kustomize'] },
  { program: 'kustomize', words: ['build'] },
] as const

const NONE_FOUND =
  'Something in kustomize/ was changed, and nothing here can render it: neither kubectl nor kustomize is on the PATH. ' +
  'kubectl 1.27 or newer does it, without a cluster: https://kubernetes.io/docs/tasks/tools/ (one file; "kubernetes-client" of Debian 12 is 1.20, which is too old). ' +
  'So does kustomize 5: https://kubectl.docs.kubernetes.io/installation/kustomize/. Then: npx vitest run scripts/deploy -u'

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
  }),
})

export type Manifest = z.output<typeof manifest>

/** A long secret, which kustomize breaks into lines: Kubernetes reads them, and people and schemas do not. */
const BROKEN_SECRET = /^( +\S+:) \|\n((?: +[A-Za-z0-9+/]{60,}\n)+(?: +[A-Za-z0-9+/=]+\n)?)/gm

/** What an overlay came to when it was last rendered, with the digest of what it was rendered from: for machines without kubectl. */
export const keptPlace = (overlay: Overlay) => join(root, 'kustomize', 'rendered', `${overlay}.yaml`)

/** Of every file that overlays are made of. */
function digestOfSources(): string {
  const folder = join(root, 'kustomize')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(folder, 'rendered')))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file.slice(folder.length)}\n`).update(readFileSync(file))
  return hash.digest('hex')
}

/** What `kubectl apply -k` would send for an overlay, as text; throws what kustomize says, or how to get it. */
export function renderText(overlay: Overlay): string {
  const head = `# Rendered from the files in kustomize/ with the digest ${digestOfSources()}; to make it anew: npx vitest run scripts/deploy -u\n`
  for (const { program, words } of renderers) {
    const run = spawnSync(program, [...words, join(root, 'kustomize', 'overlays', overlay)], { encoding: 'utf8' })
    if (run.error && 'code' in run.error && run.error.code === 'ENOENT') continue
    if (run.error) throw run.error
    // It also warns of what it will not understand one day.
    if (run.status !== 0 || run.stderr !== '') throw new Error(`${program} does not render ${overlay}: ${run.stderr}`)
    return (
      head +
      run.stdout.replace(BROKEN_SECRET, (_, field: string, lines: string) => `${field} ${lines.replace(/\s/g, '')}\n`)
    )
  }
  const kept = existsSync(keptPlace(overlay)) ? readFileSync(keptPlace(overlay), 'utf8') : ''
  if (kept.startsWith(head)) return kept
  throw new Error(NONE_FOUND)
}

/** The same as manifests. */
export const render = (overlay: Overlay): readonly Manifest[] =>
  parseAllDocuments(renderText(overlay)).map((document) => manifest.parse(document.toJS()))

export const ofKind = (manifests: readonly Manifest[], kind: string) => manifests.filter((one) => one.kind === kind)

/** The manifest of this kind and name; throws when there is none. */
export function one(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = ofKind(manifests, kind).find(({ metadata }) => metadata.name === name)
  if (!found) throw new Error(`There is no ${kind} ${name}.`)
  return found
}
