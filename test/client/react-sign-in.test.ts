import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { act, createElement, StrictMode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { brandLooks } from '../../src/client/brand-looks.ts'
import { type AuthClient, memoryStorage, type User } from '../../src/client/index.ts'
import {
  AuthProvider,
  english,
  korean,
  SignIn,
  SignInLink,
  type SignInState,
  UserButton,
  useSignIn,
} from '../../src/client/react.ts'
import { newAddress, PASSWORD } from '../support/actors.ts'
import { useService } from '../support/service.ts'
import { fakeDom } from './dom.ts'
import { answered, cut, gate, refusedWith, signedIn, tab } from './support.ts'

const service = useService({ settings: { EMAIL_VERIFICATION: 'required' } })
const open = useService()
const place = fakeDom()

let root: Root
let state: SignInState
beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => {})
})
afterEach(async () => {
  jest.restoreAllMocks()
  await act(async () => root?.unmount())
})

function Probe() {
  state = useSignIn()
  return null
}

async function show(client: AuthClient): Promise<void> {
  root = createRoot(place)
  await act(async () =>
    root.render(
      createElement(StrictMode, null, createElement(AuthProvider, { client }, createElement(Probe))),
    ),
  )
}

/** The state as the step that it must be in. */
function at<Step extends SignInState['step']>(step: Step): Extract<SignInState, { step: Step }> {
  expect(state.step).toBe(step)
  return state as Extract<SignInState, { step: Step }>
}

const signIn = (identifier: string, password = PASSWORD) =>
  act(() => at('credentials').signIn({ identifier, password }))

test('useSignIn signs in, and starts over after a sign-out', async () => {
  const { email } = await signedIn(open)
  const { client } = tab(open)
  await show(client)
  expect(at('credentials')).toMatchObject({ busy: false, problem: undefined })
  await signIn(email)
  expect(at('signedIn').user).toMatchObject({ email })
  await act(() => client.logout())
  expect(at('credentials')).toMatchObject({ busy: false, problem: undefined })
})

test('useSignIn says why an attempt failed, and forgets it with the next one', async () => {
  const { email } = await signedIn(open)
  const { client, network } = tab(open)
  await show(client)
  await signIn(email, 'wrong')
  expect(at('credentials').problem).toMatchObject({
    code: 'INVALID_CREDENTIALS',
    message: expect.any(String),
  })
  network.on('Login', cut, refusedWith('RATE_LIMITED', { retryAfter: 90 }))
  await signIn(email)
  expect(at('credentials').problem).toMatchObject({ code: 'NETWORK' })
  await signIn(email)
  expect(at('credentials').problem).toMatchObject({ code: 'RATE_LIMITED', retryAfterSeconds: 90 })
  const held = gate('before')
  network.on('Login', held.fault)
  let attempt: Promise<void> | undefined
  await act(async () => {
    attempt = at('credentials').signIn({ identifier: email, password: PASSWORD })
    await held.reached
  })
  expect(at('credentials')).toMatchObject({ busy: true, problem: undefined })
  held.release()
  await act(async () => attempt)
  at('signedIn')
})

test('useSignIn says that the account needs a step that this version does not know', async () => {
  const { client, network } = tab(open)
  await show(client)
  const login = { __typename: 'RetinaScanRequired' }
  network.on('Login', answered(JSON.stringify({ data: { login } })))
  await signIn('ada')
  expect(at('credentials').problem).toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('RetinaScanRequired'),
  })
})

test('useSignIn sends one request although the form is submitted twice', async () => {
  const { email } = await signedIn(open)
  const { client, network } = tab(open)
  await show(client)
  await act(async () => {
    const input = { identifier: email, password: PASSWORD }
    await Promise.all([at('credentials').signIn(input), at('credentials').signIn(input)])
  })
  expect(network.count('Login')).toBe(1)
})

test('an address that must be verified is a step of its own, which sends the email again', async () => {
  const email = newAddress()
  const { client, network } = tab(service)
  await client.register({ email, password: PASSWORD })
  await show(client)
  await signIn(email)
  expect(at('verifyEmail')).toMatchObject({ email, resent: false, problem: undefined })
  network.on('ResendVerificationEmail', cut)
  await act(() => at('verifyEmail').resend())
  expect(at('verifyEmail')).toMatchObject({ resent: false, problem: { code: 'NETWORK' } })
  await act(() => at('verifyEmail').resend())
  expect(at('verifyEmail')).toMatchObject({ resent: true, problem: undefined })
  expect(await service.mailsTo(email)).toHaveLength(2)
  await act(async () => at('verifyEmail').back())
  expect(at('credentials').problem).toBeUndefined()
})

test('the texts of each language have the same keys, and the components use them', async () => {
  expect(Object.keys(korean)).toEqual(Object.keys(english))
  expect(Object.keys(korean.problems)).toEqual(Object.keys(english.problems))
  const { client } = tab(open)
  const html = renderToString(
    createElement(
      AuthProvider,
      { client, user: null },
      createElement(SignIn, { texts: korean, className: 'mine' }),
      createElement(SignInLink, { texts: korean }),
    ),
  )
  for (const text of [korean.signIn, korean.identifier, korean.password, korean.forgot, korean.register])
    expect(html).toContain(`>${text}<`)
  expect(html).toContain('class="authograph-sign-in mine"')
  expect(html).not.toContain('Sign in')
})

test('the logos of the buttons are those of the server’s pages', async () => {
  const folder = path.resolve(import.meta.dirname, '../../src/web/brands')
  const files = await readdir(folder)
  expect(files.map(file => path.parse(file).name).sort()).toEqual(Object.keys(brandLooks).sort())
  for (const file of files) {
    const svg = await readFile(path.join(folder, file), 'utf8')
    const drawn = [...svg.matchAll(/<path (?:fill="([^"]+)" )?d="([^"]+)"/g)].map(([, fill = '#000', d]) => [
      // White stands for the color of the text, which changes with the color scheme.
      fill === '#fff' ? 'currentColor' : fill,
      d,
    ])
    const logo = brandLooks[path.parse(file).name]
    expect([logo?.viewBox, logo?.paths]).toEqual([/viewBox="([^"]+)"/.exec(svg)?.[1], drawn])
  }
})

test('a server renders the links without a page to return to', () => {
  const { client } = tab(open)
  const html = renderToString(createElement(AuthProvider, { client }, createElement(SignInLink)))
  expect(html).toContain(`href="${open.url}/sign-in"`)
})

const known = (client: AuthClient, user: User | null | undefined) =>
  createElement(AuthProvider, { client, user }, createElement(UserButton), createElement(SignIn))

test('a server that knows the user renders their name and no form', async () => {
  const { client } = await signedIn(open)
  const html = renderToString(known(tab(open).client, client.state.user))
  expect(html).toContain('Ada')
  expect(html).not.toContain('authograph-form')
})

test('the page shows the user whom its server knows until the client has the answer of its own', async () => {
  const { client: other } = await signedIn(open)
  const storage = memoryStorage()
  await storage.set('a.0.b')
  const { client, network } = tab(open, { storage })
  const held = gate('after')
  network.on('Refresh', held.fault)
  root = createRoot(place)
  await act(async () => root.render(known(client, other.state.user)))
  await held.reached
  expect(place.textContent).toContain('Ada')
  await act(async () => {
    held.release()
    await client.restore()
  })
  expect(place.textContent).not.toContain('Ada')
  expect(place.textContent).toContain(english.identifier)
})
