import { type Dialect, standardStatement } from '../dialect.ts'

/**
 * Unless the token request asks for a key from its key set, LINE signs ID tokens for the web with the channel's secret
 * (HS256), which this server never accepts. LINE does not say whether an address was verified.
 */
export const line: Dialect = {
  proof: 'claims',
  algorithm: 'ES256',
  freshSignIn: { max_age: '0' },
  loginHint: null,
  tokenParameters: () => ({ id_token_key_type: 'JWK' }),
  read: (_provider, claims) => standardStatement(claims),
  trust: () => 'never',
}
