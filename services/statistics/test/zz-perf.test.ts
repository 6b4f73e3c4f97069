import { test } from 'vitest'
import { rmSync } from 'node:fs'
import { openStatistics, readStatistics, record } from '/work/main/services/statistics/store.ts'
import { pruneRows } from '/work/main/services/statistics/retention.ts'
import { finished, objectCreated, started, taskCreated, told, START_MS } from '/work/main/services/statistics/test/history.ts'
import { newId } from '/work/main/shared/bus/ids.ts'

function* history(n: number) {
  // 20 objects interleaved, as in a running system
  for (let o = 0; o < n; o += 20) {
    const ids = Array.from({ length: 20 }, () => newId(START_MS + o))
    for (const id of ids) yield told(objectCreated(id))
    for (const id of ids) for (let i = 1; i <= 3; i++) yield told(taskCreated(id, i, 3), 1)
    for (const id of ids) for (let i = 1; i <= 3; i++) { yield told(started(`${id}-${i}`), 2);  yield told(finished(`${id}-${i}`, Math.exp(Math.random() * 12)), Math.round(Math.exp(Math.random() * 14))) }
  }
}
test('perf', async () => {
  const p = '/tmp/dev/st/stats.db'
  const rm = () => { for (const s of ['', '-wal', '-shm']) rmSync(p + s, { force: true }) }
  for (const [size, n] of [[1000, 20001], [1000, Number(process.env.BIG ?? 0)]] as const) {
    if (n === 0) continue
    if (n <= 20000) rm()
    const store = await openStatistics(p)
    let batch: ReturnType<typeof told>[] = []; let events = 0; let ms = 0
    const flush = async () => {
      const ids = batch.map((e) => newId(START_MS + events)); const b = batch; batch = []; const t = performance.now()
      await store.write((tx) => { tx.recordFirstSeen('statistics', ids, START_MS); record(tx, b, START_MS + events) })
      ms += performance.now() - t; events += ids.length
    }
    for (const e of history(n)) { batch.push(e); if (batch.length === size) await flush() }
    if (batch.length) await flush()
    console.log(`batch ${size}: ${events} events, ${Math.round(events / ms * 1000)} events/s`)
    const ts = Array.from({ length: 20 }, () => { const t = performance.now(); readStatistics(store.read); return performance.now() - t }).sort((a, b) => a - b)
    console.log('select * from statistics: p50', ts[10]?.toFixed(2), 'ms, first/max', ts[19]?.toFixed(2))
    if (n > 20000) { console.log(readStatistics(store.read)); 
      let max = 0, last = performance.now(); const iv = setInterval(() => { max = Math.max(max, performance.now() - last); last = performance.now() }, 1)
      const t = performance.now(); const pruned = await pruneRows(store, START_MS + 40 * 86400000); console.log('pruned', pruned, Math.round(performance.now() - t), 'ms; longest hold', max.toFixed(1));
      const t2 = performance.now(); const q = await store.prune(START_MS + 40 * 86400000); console.log('inbox pruned', q, Math.round(performance.now() - t2), 'ms; longest', max.toFixed(1)); clearInterval(iv)
    }
    await store.close()
  }
}, 300_000)
