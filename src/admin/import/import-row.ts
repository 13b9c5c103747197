import { z } from 'zod'
import {
  disabledReasonField,
  emailField,
  localeField,
  metadataField,
  usernameField,
} from '../../accounts/fields.ts'
import type { TotpSecret } from '../../credentials/totp-proof.ts'
import { readHash } from '../../crypto/known-hash.ts'
import { newBulkId } from '../../database/bulk-ids.ts'
import { isId } from '../../database/client.ts'
import type { User } from '../../generated/prisma/client.ts'
import { DEFAULT_ROLE } from '../../permissions/permissions.ts'
import { importedNameField } from './foreign-text.ts'
import {
  type ImportedCode,
  type ImportedPasskey,
  passkeysField,
  type ReadPublicKey,
  recoveryCodesField,
  totpField,
} from './import-factors.ts'
import {
  type ImportedIdentity,
  identitiesField,
  type ProviderNames,
  toIdentities,
} from './import-identities.ts'
import { instantField, toInstant } from './times.ts'

/** The fields of a record, and the names that each may have in the file. */
export const importFields = {
  id: ['id'],
  email: ['email'],
  emailVerified: ['emailVerified', 'emailVerifiedAt'],
  username: ['username'],
  displayName: ['displayName', 'name'],
  locale: ['locale'],
  passwordHash: ['passwordHash'],
  passwordChangedAt: ['passwordChangedAt'],
  roles: ['roles'],
  active: ['active'],
  disabled: ['disabled', 'disabledAt'],
  disabledReason: ['disabledReason'],
  invitedAt: ['invitedAt'],
  createdAt: ['createdAt'],
  lastLoginAt: ['lastLoginAt'],
  publicMetadata: ['publicMetadata'],
  privateMetadata: ['privateMetadata'],
  totp: ['totp', 'otp_secret'],
  recoveryCodes: ['recoveryCodes', 'backupCodes'],
  passkeys: ['passkeys', 'webauthn_credentials'],
  identities: ['identities', 'accounts', 'providerUserInfo'],
} as const satisfies Record<string, readonly string[]>

export type ImportField = keyof typeof importFields

/** An account to import. */
export type ImportRow = {
  user: User
  roles: string[]
  weakHash: boolean
  totp: TotpSecret | undefined
  recoveryCodes: ImportedCode[]
  passkeys: ImportedPasskey[]
  identities: ImportedIdentity[]
}

export type RowOptions = {
  now: Date
  /** The language of accounts whose record has none. */
  locale: string
  /** Every role that exists, and whether it grants permissions. */
  roles: ReadonlyMap<string, { privileged: boolean }>
  /** Accepts roles that grant permissions. */
  allowAdmin: boolean
  /** Absent unless the operator named the domain of the passkeys. */
  readPublicKey: ReadPublicKey | undefined
  providers: ProviderNames
}

const YES = new Set<unknown>([true, 1, '1', 't', 'true', 'y', 'yes'])
const NO = new Set<unknown>([false, 0, '0', 'f', 'false', 'n', 'no'])

function toFlag(value: unknown): boolean | undefined {
  const plain = typeof value === 'string' ? value.toLowerCase() : value
  if (YES.has(plain)) return true
  return NO.has(plain) ? false : undefined
}

const flagField = z.unknown().transform((value, context) => {
  const flag = toFlag(value)
  if (flag !== undefined) return flag
  context.addIssue('Enter true or false.')
  return z.NEVER
})

/** A flag, or the time since which it has been set. */
const sinceField = z.unknown().transform((value, context) => {
  const since = toFlag(value) ?? toInstant(value)
  if (since !== undefined) return since
  context.addIssue('Enter true or false, or a time such as 2024-05-31T12:00:00Z.')
  return z.NEVER
})

/** Django and Unix mark accounts without a password like this. */
const NO_PASSWORD = /^[!*]/

const passwordHashField = z.string().transform((text, context) => {
  if (NO_PASSWORD.test(text)) return null
  const read = readHash(text)
  if ('weak' in read) return { text, weak: read.weak }
  context.addIssue(read.problem)
  return z.NEVER
})

/** A list, or names separated by commas, semicolons or spaces; a PostgreSQL array in braces works too. */
const rolesField = z
  .union([z.array(z.string()), z.string().transform(text => text.split(/[\s,;{}]+/))], {
    error: 'Enter a list of names.',
  })
  .transform(names => [...new Set(names.filter(Boolean))])

/** CSV files contain JSON as text. */
const jsonField = z
  .unknown()
  .transform(value => (typeof value === 'string' ? parseJson(value) : value))
  .pipe(metadataField)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const schemaOf = (readPublicKey: ReadPublicKey | undefined) =>
  z.object({
    // Numeric IDs of the other system have no meaning here.
    id: z
      .unknown()
      .transform(id => (typeof id === 'string' && isId(id) ? id.toLowerCase() : undefined))
      .optional(),
    email: emailField,
    emailVerified: sinceField.optional(),
    username: usernameField.optional(),
    displayName: importedNameField.optional(),
    // POSIX locales use underscores, as in en_US.
    locale: z
      .string()
      .transform(tag => tag.replaceAll('_', '-'))
      .pipe(localeField)
      .optional(),
    passwordHash: passwordHashField.optional(),
    passwordChangedAt: instantField.optional(),
    roles: rolesField.optional(),
    active: flagField.optional(),
    disabled: sinceField.optional(),
    disabledReason: disabledReasonField.optional(),
    invitedAt: instantField.optional(),
    createdAt: instantField.optional(),
    lastLoginAt: instantField.optional(),
    publicMetadata: jsonField.optional(),
    privateMetadata: jsonField.optional(),
    totp: totpField.optional(),
    recoveryCodes: recoveryCodesField.optional(),
    passkeys: passkeysField(readPublicKey).optional(),
    identities: identitiesField.optional(),
  } satisfies Record<ImportField, z.ZodType>)

type Schema = ReturnType<typeof schemaOf>
const schemas = new Map<ReadPublicKey | undefined, Schema>()

/** Building a schema takes longer than checking a record with it. */
function schemaFor(readPublicKey: ReadPublicKey | undefined): Schema {
  const schema = schemas.get(readPublicKey) ?? schemaOf(readPublicKey)
  schemas.set(readPublicKey, schema)
  return schema
}

const REPLACEMENT = '\uFFFD'

/** The account that a record describes, or the reason it can't be imported. The reason never contains a hash or a secret. */
export function toImportRow(
  record: Partial<Record<ImportField, unknown>>,
  { now, locale, roles: known, allowAdmin, readPublicKey, providers }: RowOptions,
): ImportRow | { reason: string } {
  if (Object.values(record).some(value => typeof value === 'string' && value.includes(REPLACEMENT))) {
    return { reason: 'The record is not valid UTF-8.' }
  }
  const parsed = schemaFor(readPublicKey).safeParse(record)
  if (!parsed.success) return { reason: parsed.error.issues.map(toReason).join(' ') }
  const { data } = parsed
  const roles = data.roles ?? [DEFAULT_ROLE]
  const unknown = roles.find(role => !known.has(role))
  if (unknown) return { reason: `roles: There is no role named ${JSON.stringify(unknown.slice(0, 50))}.` }
  const privileged = roles.find(role => known.get(role)?.privileged)
  if (privileged && !allowAdmin) {
    return {
      reason: `roles: The role ${JSON.stringify(privileged)} grants permissions. Use --allow-admin to import it.`,
    }
  }
  const identities = toIdentities(data.identities ?? [], providers)
  if ('reason' in identities) return identities
  const since = (value: Date | boolean | undefined) => (value === true ? now : value || null)
  const createdAt = data.createdAt ?? now
  const disabledAt = since(data.disabled) ?? (data.active === false ? now : null)
  const user: User = {
    id: data.id ?? newBulkId(),
    email: data.email.typed,
    emailCanonical: data.email.canonical,
    emailVerifiedAt: since(data.emailVerified),
    username: data.username ?? null,
    displayName: data.displayName ?? null,
    locale: data.locale ?? locale,
    passwordHash: data.passwordHash?.text ?? null,
    passwordChangedAt: data.passwordChangedAt ?? null,
    lastLoginAt: data.lastLoginAt ?? null,
    publicMetadata: data.publicMetadata ?? {},
    privateMetadata: data.privateMetadata ?? {},
    credentialVersion: 0,
    secondFactorRequired: false,
    enrollmentRequired: false,
    disabledAt,
    disabledReason: disabledAt && (data.disabledReason ?? null),
    invitedAt: data.invitedAt ?? null,
    createdAt,
    updatedAt: now,
  }
  return {
    user,
    roles,
    weakHash: data.passwordHash?.weak ?? false,
    totp: data.totp,
    recoveryCodes: data.recoveryCodes ?? [],
    passkeys: data.passkeys ?? [],
    identities,
  }
}

function toReason({ path, message }: z.core.$ZodIssue): string {
  return path[0] === 'email' && message.startsWith('Invalid')
    ? 'email: The record has no email address.'
    : `${String(path[0])}: ${message}`
}
