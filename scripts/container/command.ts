import { isServiceName, type ServiceName } from '../services.ts'

/** What a container was told to do. */
export type Command =
  | { readonly kind: 'service' | 'health'; readonly service: ServiceName }
  | { readonly kind: 'cli' }
  | { readonly kind: 'usage'; readonly says: string }

/**
 * Reads the words behind the image's name. `findFirst` gives the words of the container's first process, which is the service even when an
 * init (`docker run --init`) is in front of it; it is asked only for a `health` without a name.
 */
export function commandOf(words: readonly string[], findFirst: () => readonly string[]): Command {
  const [word, name, ...rest] = words
  if (word === 'cli') return { kind: 'cli' }
  if (word !== undefined && name === undefined && isServiceName(word)) return { kind: 'service', service: word }
  if (word !== 'health' || rest.length > 0) return { kind: 'usage', says: saysOf(words) }
  const service = name ?? findFirst().findLast(isServiceName)
  if (service !== undefined && isServiceName(service)) return { kind: 'health', service }
  return { kind: 'usage', says: name === undefined ? 'This container runs no service: name one.' : saysOf(words) }
}

const saysOf = (words: readonly string[]) =>
  words.length === 0 || words[0] === '--help' ? 'What is this container to run?' : `There is no "${words.join(' ')}".`
