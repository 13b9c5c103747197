import type { App } from './app.ts'

/** How sign-ins with providers end, for the metrics. */
export type ProviderOutcome =
  | 'started'
  | 'signed_in'
  | 'next_step'
  | 'registered'
  | 'linked'
  | 'taken_over'
  | 'sign_up_required'
  | 'link_required'
  | 'denied'
  | 'failed'
  | 'refused'

const counts = new WeakMap<App, Map<string, number>>()

/** Counts an outcome. `provider` must be an ID of the settings, so that the number of series stays small. */
export function countProviderOutcome(app: App, provider: string, outcome: ProviderOutcome): void {
  const ofApp = counts.get(app) ?? new Map<string, number>()
  counts.set(app, ofApp)
  const key = `${provider} ${outcome}`
  ofApp.set(key, (ofApp.get(key) ?? 0) + 1)
}

/** The number of each outcome since the process started. */
export function providerOutcomes(app: App): { provider: string; outcome: string; count: number }[] {
  return [...(counts.get(app) ?? [])].map(([key, count]) => {
    const [provider = '', outcome = ''] = key.split(' ')
    return { provider, outcome, count }
  })
}
