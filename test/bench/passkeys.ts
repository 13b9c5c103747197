import { randomUUID } from 'node:crypto'
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import { SoftAuthenticator } from '../support/authenticator.ts'
import type { Order } from './bare-webauthn.ts'
import { type Cores, pin } from './cores.ts'
import { load, type Source } from './load.ts'
import type { Script, Service } from './processes.ts'
import { passkeyLogin } from './requests.ts'
import { CONNECTIONS, inTurns, perSecond } from './stages.ts'
import { type Row, ratioRow } from './table.ts'

const ORIGIN = 'http://localhost'
const ROUND_MS = 1000
/** More than a round uses up. */
const LOGINS_PER_ROUND = 3000
/** Enough that none of them reaches SESSIONS_MAX. */
const PEOPLE = 320
const PREPARED_AT_ONCE = 16

/** Someone whose app has signed in before, and so knows the device. */
type Person = { authenticator: SoftAuthenticator; deviceToken: string }

/** Sign-ins with passkeys a second, against verifying their signatures and nothing else. One core serves. */
export async function passkeys(
  service: Service,
  bareWebauthn: Script,
  cores: Cores | undefined,
): Promise<Row[]> {
  await pin(service.pid, cores?.serving)
  await pin(bareWebauthn.pid, cores?.serving)
  const people: Person[] = []
  while (people.length < PEOPLE) {
    people.push(
      ...(await Promise.all(Array.from({ length: PREPARED_AT_ONCE }, () => register(service.port)))),
    )
  }
  const rates = await inTurns({
    login: async () => {
      const source = await prepared(service.port, people)
      return (await load(service.port, CONNECTIONS, source, AbortSignal.timeout(ROUND_MS))).rate
    },
    verify: async () => Number(await bareWebauthn.ask({ ms: ROUND_MS } satisfies Order)),
  })
  const limit = 'verifyAuthenticationResponse'
  return [ratioRow('loginWithPasskey', rates.login, limit, rates.verify, perSecond, { atLeast: 0.5 })]
}

/** Begins the sign-ins of a round and signs their challenges, which is not measured. */
async function prepared(port: number, people: readonly Person[]): Promise<Source> {
  const requests: string[] = []
  let begun = 0
  const prepare = async () => {
    while (requests.length < LOGINS_PER_ROUND) {
      const person = people[begun++ % people.length]
      const { ticket, options } = await ask<PublicKeyCredentialRequestOptionsJSON>(
        port,
        'mutation { beginPasskeyLogin { ticket options } }',
      )
      if (!person) continue
      const { authenticator, deviceToken } = person
      requests.push(passkeyLogin({ ticket, credential: authenticator.get(options) }, deviceToken))
    }
  }
  await Promise.all(Array.from({ length: PREPARED_AT_ONCE }, prepare))
  return {
    next: () => {
      const request = requests.pop()
      if (request === undefined) throw new Error('Too few sign-ins are prepared for a round.')
      return request
    },
  }
}

async function register(port: number): Promise<Person> {
  const { ticket, options } = await ask<PublicKeyCredentialCreationOptionsJSON>(
    port,
    `mutation { beginPasskeyRegistration(input: { email: "${randomUUID()}@example.com" }) { ticket options } }`,
  )
  const authenticator = new SoftAuthenticator(ORIGIN)
  const passkey = { ticket, credential: authenticator.create(options) }
  const query = `mutation ($passkey: PasskeyInput!) {
    registerWithPasskey(input: { passkey: $passkey }) { ... on AuthPayload { deviceToken } } }`
  const { registerWithPasskey } = await send(port, query, { passkey })
  const { deviceToken } = registerWithPasskey as { deviceToken: string }
  return { authenticator, deviceToken }
}

async function ask<Options>(port: number, query: string): Promise<{ ticket: string; options: Options }> {
  const [ceremony] = Object.values(await send(port, query))
  return ceremony as { ticket: string; options: Options }
}

async function send(port: number, query: string, variables?: object): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}
