/** Where a tab keeps its flow at a provider: see provider-flow.ts. */
export const FLOW_KEY = 'authograph.provider'

/**
 * Whether a sign-in with a provider has led the browser back to this page, so that `providers.handleReturn` has something
 * to complete. Loads nothing.
 */
export function hasSignInReturned(): boolean {
  if (!globalThis.location) return false
  const { searchParams } = new URL(location.href)
  const kept = keptFlow()
  if (kept?.purpose !== undefined && kept.purpose !== 'signIn') return false
  return (
    searchParams.has('provider_code') || searchParams.has('provider_error') || typeof kept?.code === 'string'
  )
}

function keptFlow(): { purpose?: unknown; code?: unknown } | undefined {
  try {
    return JSON.parse(globalThis.sessionStorage?.getItem(FLOW_KEY) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}
