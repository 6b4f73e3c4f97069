/** True when fine, otherwise the reason why not, as a phrase for a person. Cheap: it runs on every probe. */
export type Check = () => true | string

export type HealthReport = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }

/** What has to be there before a service is ready, each check under a name. */
export interface Health {
  /** Adds a check; the same name again replaces it. */
  add(name: string, check: Check): void
  report(): HealthReport
  /** Whether it takes requests: since it was ready for the first time, also while a check fails, until it stops. */
  isServing(): boolean
  /** It stops: from here on it is not serving. */
  stop(): void
}

/** A registry of readiness checks. With none it is ready. */
export function createHealth(): Health {
  const checks = new Map<string, Check>()
  let hasBeenReady = false
  let hasStopped = false

  function report(): HealthReport {
    const results = [...checks].map(([name, check]) => [name, run(check)] as const)
    const ready = results.every(([, result]) => result === true)
    hasBeenReady ||= ready
    return {
      ready,
      checks: Object.fromEntries(results.map(([name, result]) => [name, result === true ? 'ok' : result])),
    }
  }

  return {
    add: (name, check) => void checks.set(name, check),
    report,
    isServing: () => !hasStopped && (hasBeenReady || report().ready),
    stop: () => {
      hasStopped = true
    },
  }
}

/** A check that throws has failed, and says why. */
function run(check: Check): true | string {
  try {
    return check()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
