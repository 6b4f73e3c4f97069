/**
 * Finds fields that a validator does not know. The compiled validators of the kubernetes-models packages take additional properties, but
 * they read every property that they do know by its name, and go through the names where any are allowed. So what was never read is
 * no field: most likely it is misspelt, and Kubernetes would drop it.
 */
export function watch(data: unknown): { readonly watched: unknown; readonly findUnread: () => readonly string[] } {
  const unread: (() => readonly string[])[] = []

  function watched(value: unknown, path: string): unknown {
    if (typeof value !== 'object' || value === null) return value
    const read = new Set<string | symbol>()
    let isMap = false
    unread.push(() =>
      isMap
        ? []
        : Object.keys(value)
            .filter((key) => !read.has(key))
            .map((key) => `${path}/${key}`),
    )
    const inner = new Map<string | symbol, unknown>()
    return new Proxy(value, {
      get(target, key) {
        read.add(key)
        if (!inner.has(key)) inner.set(key, watched(Reflect.get(target, key), `${path}/${String(key)}`))
        return inner.get(key)
      },
      ownKeys(target) {
        isMap = true
        return Reflect.ownKeys(target)
      },
    })
  }

  return { watched: watched(data, ''), findUnread: () => unread.flatMap((find) => find()) }
}
