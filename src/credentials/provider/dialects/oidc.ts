import { type Dialect, standardStatement } from '../dialect.ts'

/** Any OpenID Connect provider. Who runs it decides which addresses it gives out, so none is relied on unless set. */
export const oidc: Dialect = {
  proof: 'claims',
  userInfo: true,
  freshSignIn: { prompt: 'login', max_age: '0' },
  read: (_provider, claims) => standardStatement(claims),
  trust: () => 'never',
}
