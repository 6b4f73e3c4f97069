/** What a client takes, by its header `Accept` (RFC 9110, 12.5.1). */

type Range = { readonly type: string; readonly quality: number }

const RANGE = /^\s*([\w!#$&^.+-]+|\*)\/([\w!#$&^.+-]+|\*)\s*(?:;(.*))?$/
const QUALITY = /(?:^|;)\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)/i

/** Of the media types that are offered, best first, the one that the client wants most; undefined when it takes none of them. */
export function findAccepted(accept: string | undefined, offered: readonly string[]): string | undefined {
  if (accept === undefined || accept.trim() === '') return offered[0]
  const ranges = accept.split(',').flatMap(rangesOf)
  const wanted = offered
    .map((type) => ({ type, quality: qualityOf(type, ranges) }))
    .filter(({ quality }) => quality > 0)
  const most = Math.max(...wanted.map(({ quality }) => quality))
  return wanted.find(({ quality }) => quality === most)?.type
}

/** What cannot be read is as if it had not been said. */
function rangesOf(element: string): readonly Range[] {
  const [, type, subtype, parameters = ''] = RANGE.exec(element) ?? []
  if (type === undefined || subtype === undefined) return []
  return [{ type: `${type}/${subtype}`.toLowerCase(), quality: Number(QUALITY.exec(parameters)?.[1] ?? 1) }]
}

/** The most particular range decides: `application/json;q=0, *\/*` takes anything but JSON. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  for (const range of [type, type.replace(/\/.*/, '/*'), '*/*']) {
    const found = ranges.find((one) => one.type === range)
    if (found) return found.quality
  }
  return 0
}
