import type { ClientAuth, ServerMetadata } from 'openid-client'
import type { ProviderSettings } from '../../provider-settings/settings.ts'
import { appleClientSecret } from './apple-secret.ts'
import type { OpenidClient } from './library.ts'

/** How this server authenticates to the token endpoint. A provider that announces nothing expects Basic. */
export function clientAuth(
  { ClientSecretBasic, ClientSecretPost, None }: OpenidClient,
  provider: ProviderSettings,
  metadata: ServerMetadata | undefined,
  now: () => Date,
): ClientAuth {
  if (provider.type === 'apple') {
    return (_server, client, body) => {
      body.set('client_id', client.client_id)
      body.set('client_secret', appleClientSecret(provider, client.client_id, now()))
    }
  }
  if (provider.clientSecret === undefined) return None()
  if (!metadata || provider.type !== 'oidc') return ClientSecretPost(provider.clientSecret)
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  return methods.includes('client_secret_basic')
    ? once(ClientSecretBasic(provider.clientSecret))
    : ClientSecretPost(provider.clientSecret)
}

/** The credentials of the header are always the same, so they are encoded once. */
function once(authenticate: ClientAuth): ClientAuth {
  let credentials: string | null = null
  return (server, client, body, headers) => {
    if (credentials !== null) return headers.set('authorization', credentials)
    authenticate(server, client, body, headers)
    credentials = headers.get('authorization')
  }
}
