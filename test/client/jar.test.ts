import { expect, test } from '@jest/globals'
import { print } from 'graphql'
import { PASSWORD, signUp } from '../support/actors.ts'
import { Login } from '../support/operations.ts'
import { useService } from '../support/service.ts'
import { gate, type Jar, Network } from './support.ts'

const service = useService()

test('the test cookie jar keeps the cookie of an answer that arrives after the request was canceled', async () => {
  const { email } = await signUp(service)
  const jar: Jar = {}
  const network = new Network(jar)
  const { fault, reached, release } = gate('after')
  let arrived: Promise<Response> | undefined
  network.on('Login', send => {
    arrived = fault(send)
    return arrived
  })
  const page = new AbortController()
  const input = { identifier: email, password: PASSWORD, tokenTransport: 'COOKIE' }
  const reply = network.fetch(`${service.url}/graphql`, {
    method: 'POST',
    credentials: 'include',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(Login), variables: { input } }),
    signal: page.signal,
  })
  const canceled = expect(reply).rejects.toThrow('aborted')
  await reached
  page.abort()
  await canceled
  expect(jar.cookie).toBeUndefined()
  release()
  await arrived
  expect(jar.cookie).toMatch(/^authograph_refresh=./)
})
