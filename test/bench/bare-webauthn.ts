// The baseline for `loginWithPasskey`: only the verification of an assertion, in its own process.
// Answers each message { ms } with the calls per second.
import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { SoftAuthenticator } from '../support/authenticator.ts'

export type Order = { ms: number }

const ORIGIN = 'http://localhost'
const RP_ID = 'localhost'
/** As many as the service has requests in flight. */
const CALLERS = 32

const authenticator = new SoftAuthenticator(ORIGIN)
const challenge = Buffer.alloc(32, 7).toString('base64url')
const response = authenticator.get({ challenge, rpId: RP_ID })
const credential = { id: authenticator.id, publicKey: new Uint8Array(authenticator.coseKey), counter: 0 }

async function verify(): Promise<void> {
  const { verified } = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: ORIGIN,
    expectedRPID: RP_ID,
    credential,
  })
  if (!verified) throw new Error('The baseline verifies nothing.')
}

async function rateOf({ ms }: Order): Promise<number> {
  const start = performance.now()
  let calls = 0
  const caller = async () => {
    while (performance.now() - start < ms) {
      await verify()
      calls++
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return calls / ((performance.now() - start) / 1000)
}

await verify()
process.on('message', (order: Order) => {
  void rateOf(order).then(rate => process.send?.(rate))
})
process.send?.('ready')
