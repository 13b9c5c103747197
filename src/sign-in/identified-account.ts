import { userColumns } from '../accounts/account.ts'
import { canonicalEmail, displayEmail } from '../accounts/email.ts'
import { findIdentity } from '../accounts/identities.ts'
import type { App } from '../app.ts'
import { demandedByOwner, demandedOnEveryDevice } from '../credentials/demand.ts'
import type { ProviderProfile } from '../credentials/provider/provider.ts'
import { recordReader, statement } from '../database/client.ts'
import type { Identity, User } from '../generated/prisma/client.ts'
import { decideIdentity, type IdentityDecision, type IdentityFacts } from './decide-identity.ts'

/** The address of a profile, if it is one: as the provider spells it, and as accounts are found by it. */
export type ProfileAddress = { typed: string; canonical: string }

export type Identified = { address: ProfileAddress | undefined } & (
  | { decision: 'sign-in'; identity: Identity; account: User }
  | { decision: Exclude<IdentityDecision, 'sign-in'>; identity: undefined; account: User | undefined }
)

/** Decides which account a profile belongs to: see `decideIdentity`. The account is as it was when it was decided. */
export async function identify(app: App, profile: ProviderProfile): Promise<Identified> {
  const address = addressOf(profile)
  const known = await findIdentity(app, profile)
  if (known) return { decision: 'sign-in', ...known, address }
  const trust = address ? profile.emailTrust : 'never'
  const found = address && trust !== 'never' ? await findByAddress(app, address.canonical) : undefined
  // A parallel sign-in of the same person may have created the account between the two reads, with the identity.
  const meanwhile = found && (await findIdentity(app, profile))
  if (meanwhile) return { decision: 'sign-in', ...meanwhile, address }
  const facts: IdentityFacts = {
    known: false,
    trust,
    account: found?.facts,
    linking: app.config.providerLinking,
  }
  const decision = decideIdentity(facts) as Exclude<IdentityDecision, 'sign-in'>
  return { decision, identity: undefined, account: found?.account, address }
}

/** Undefined for a profile without an address that this server could write to. */
export function addressOf({ email }: ProviderProfile): ProfileAddress | undefined {
  const canonical = email === null ? undefined : canonicalEmail(email)
  return email === null || canonical === undefined ? undefined : { typed: displayEmail(email), canonical }
}

const columns = Object.values(userColumns)
const readUser = recordReader<User>(Object.keys(userColumns))

/** One statement, so that the facts belong to the account's credential version. */
const selectByAddress = statement(
  'account-by-provider-address',
  `SELECT ${columns.map(column => `u.${column}`).join(', ')},
     (${demandedByOwner} OR ${demandedOnEveryDevice('$2')} OR EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id)),
     EXISTS (
       SELECT FROM user_roles ur JOIN roles r ON r.name = ur.role_name
       WHERE ur.user_id = u.id AND cardinality(r.permissions) > 0
     ),
     EXISTS (
       SELECT FROM email_tokens t WHERE t.user_id = u.id AND t.purpose = 'email-undo' AND t.used_at IS NULL
         AND t.expires_at > $2 AND t.email_canonical <> u.email_canonical
     )
   FROM users u WHERE u.email_canonical = $1`,
)

async function findByAddress(app: App, canonical: string) {
  const [row] = await selectByAddress(app.pool, [canonical, app.clock.now()])
  if (!row) return undefined
  const account = readUser(row, 0)
  const [hasSecondFactor, hasPermission, hasOpenUndo] = row.slice(columns.length) as boolean[]
  const facts: NonNullable<IdentityFacts['account']> = {
    verified: account.emailVerifiedAt !== null,
    hasSecondFactor: hasSecondFactor === true,
    hasPermission: hasPermission === true,
    hasOpenUndo: hasOpenUndo === true,
  }
  return { account, facts }
}
