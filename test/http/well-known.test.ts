import { describe, expect, test } from '@jest/globals'
import Fastify from 'fastify'
import { loadConfig } from '../../src/config.ts'
import { wellKnownRoutes } from '../../src/http/well-known.ts'
import { useService } from '../support/service.ts'

const FINGERPRINT = Array.from({ length: 32 }, () => 'AB').join(':')

const plain = useService()
const passkeysOff = useService({ settings: { PASSKEYS: 'off' } })
const withApps = useService({
  settings: {
    PUBLIC_URL: 'https://auth.example.com',
    PASSKEY_ORIGINS: 'https://example.org',
    PASSKEY_APPLE_APPS: 'ABCDE12345.com.example.app',
    PASSKEY_ANDROID_APPS: `com.example.app=${FINGERPRINT}`,
  },
})

const get = (service: { url: string }, name: string) =>
  fetch(`${service.url}/.well-known/${name}`, { redirect: 'manual' })

const json = async (service: { url: string }, name: string) => {
  const response = await get(service, name)
  expect([name, response.status, response.headers.get('content-type')]).toEqual([
    name,
    200,
    expect.stringMatching(/^application\/json\b/),
  ])
  return response.json()
}

test('browsers find the origins that can use the passkeys of the domain, without those of apps', async () => {
  expect(await json(withApps, 'webauthn')).toEqual({
    origins: ['https://auth.example.com', 'https://example.org'],
  })
})

test('password managers find out that the site has passkeys', async () => {
  expect(await json(plain, 'passkey-endpoints')).toEqual({})
})

test('with pages, password managers find where to manage passkeys and to change the password', async () => {
  const server = Fastify()
  wellKnownRoutes(server, loadConfig({ WEB: 'on', PUBLIC_URL: 'https://auth.example.com' }))
  const page = 'https://auth.example.com/account/security'
  const endpoints = await server.inject('/.well-known/passkey-endpoints')
  expect(endpoints.json()).toEqual({ enroll: page, manage: page })
  const change = await server.inject('/.well-known/change-password')
  expect([change.statusCode, change.headers.location]).toEqual([302, page])
})

test('phones find the apps that share passkeys with the domain', async () => {
  expect(await json(withApps, 'apple-app-site-association')).toEqual({
    webcredentials: { apps: ['ABCDE12345.com.example.app'] },
  })
  expect(await json(withApps, 'assetlinks.json')).toEqual([
    {
      relation: expect.arrayContaining(['delegate_permission/common.get_login_creds']),
      target: {
        namespace: 'android_app',
        package_name: 'com.example.app',
        sha256_cert_fingerprints: [FINGERPRINT],
      },
    },
  ])
})

describe('nothing is at the address', () => {
  test.each(['apple-app-site-association', 'assetlinks.json', 'change-password'])(
    'of %s without apps and pages',
    async name => {
      expect((await get(plain, name)).status).toBe(404)
    },
  )

  test.each(['webauthn', 'passkey-endpoints'])('of %s with PASSKEYS=off', async name => {
    expect((await get(passkeysOff, name)).status).toBe(404)
  })
})
