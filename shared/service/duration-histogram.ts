import { Histogram, type HistogramConfiguration, type LabelValues } from 'prom-client'

/** Upper bounds in seconds: from a function call to the longest that a client waits for an answer. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** What was observed in one series. */
export class Durations {
  readonly labels: LabelValues<string>
  readonly counts = new Float64Array(bounds.length)
  count = 0
  sumSeconds = 0

  constructor(labels: LabelValues<string>) {
    this.labels = labels
  }

  observe(seconds: number): void {
    this.count++
    this.sumSeconds += seconds
    let i = 0
    for (const bound of bounds) {
      if (seconds <= bound) {
        this.counts[i] = (this.counts[i] ?? 0) + 1
        return
      }
      i++
    }
  }
}

/** A histogram that is told its values when it is read, because prom-client's own can only be fed one value at a time. */
export class DurationHistogram extends Histogram<string> {
  readonly series: Durations[] = []
  readonly #named: HistogramConfiguration<string>

  constructor(configuration: HistogramConfiguration<string>) {
    super(configuration)
    this.#named = configuration
  }

  /** What prom-client reads, for text and JSON alike. */
  async getForPromString() {
    const { name, help } = this.#named
    const values = this.series.flatMap((series) => valuesOf(name, series))
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
}

function valuesOf(name: string, { labels, counts, count, sumSeconds }: Durations) {
  let below = 0
  const buckets = bounds.map((le, i) => {
    below += counts[i] ?? 0
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below }
  })
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
