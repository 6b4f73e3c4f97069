/**
 * What `@peculiar/x509` wants of a reflect polyfill, by its dependency injection: to keep a value beside a class. Imported before it. Of
 * the inherited ones it only asks whether there are any.
 */
const kept = new WeakMap<object, Map<unknown, unknown>>()

const own = (key: unknown, of: object) => kept.get(of)?.get(key)

const find = (key: unknown, of: object | null): unknown =>
  of === null ? undefined : (own(key, of) ?? find(key, Object.getPrototypeOf(of)))

Object.assign(Reflect, {
  defineMetadata: (key: unknown, value: unknown, of: object) => {
    const all = kept.get(of) ?? new Map()
    kept.set(of, all.set(key, value))
  },
  getOwnMetadata: own,
  getMetadata: find,
})
