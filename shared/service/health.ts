/** True when fine, otherwise the reason why not, as a phrase for a person. Cheap: it runs on every probe. */
export type Check = () => true | string

export type HealthReport = { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }

/** What has to be there before a service is ready, each check under a name. */
export interface Health {
  /** Adds a check; the same name again replaces it. */
  add(name: string, check: Check): void
  report(): HealthReport
}

/** A registry of readiness checks. With none it is ready. */
export function createHealth(): Health {
  const checks = new Map<string, Check>()
  return {
    add: (name, check) => void checks.set(name, check),
    report: () => {
      const results = [...checks].map(([name, check]) => [name, run(check)] as const)
      return {
        ready: results.every(([, result]) => result === true),
        checks: Object.fromEntries(results.map(([name, result]) => [name, result === true ? 'ok' : result])),
      }
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
