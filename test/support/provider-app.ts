import pino from 'pino'
import type { App } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { authorizationUrl } from '../../src/credentials/provider/authorize.ts'
import { exchangeCode } from '../../src/credentials/provider/exchange.ts'
import { ProviderFailure } from '../../src/credentials/provider/failure.ts'
import {
  type ProviderProfile,
  type ProviderSettings,
  redirectUriOf,
} from '../../src/credentials/provider/provider.ts'
import { AuthError } from '../../src/errors.ts'
import { TestClock } from './clock.ts'
import type { FakeClaims, FakeProvider } from './fake-provider.ts'

export const FLOW = {
  state: 'a-state-of-this-flow',
  nonce: 'a-nonce-of-this-flow',
  verifier: 'a-verifier-of-this-flow-that-has-43-characters',
}

/** What the protocol needs of an app: no database. */
export type ProtocolApp = { app: App; provider: ProviderSettings; clock: TestClock; logged: string[] }

export function protocolApp(settings: Record<string, string>): ProtocolApp {
  const clock = new TestClock()
  const logged: string[] = []
  const log = pino({}, { write: line => void logged.push(line) })
  const config = loadConfig({ NODE_ENV: 'test', ...settings })
  const app = { config, clock, log, discovered: new Map() } as unknown as App
  const [provider] = config.providers
  if (!provider) throw new Error('the settings list no provider')
  return { app, provider, clock, logged }
}

/** A whole sign-in at the protocol's level: start, the person at the provider, callback. */
export async function signInAt(
  { app, provider }: ProtocolApp,
  fake: FakeProvider,
  person?: FakeClaims,
): Promise<ProviderProfile> {
  const redirectUri = redirectUriOf(app, provider)
  const url = await authorizationUrl(app, provider, { ...FLOW, redirectUri })
  const back = fake.authorize(url, person)
  return exchangeCode(app, provider, back.searchParams, { ...FLOW, redirectUri })
}

/** The code of the error, and the check that it says failed: `PROVIDER_FAILED: claim iss`. */
export async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => new Error('was accepted'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof AuthError)) throw error
  return error.cause instanceof ProviderFailure ? `${error.code}: ${error.cause.check}` : error.code
}
