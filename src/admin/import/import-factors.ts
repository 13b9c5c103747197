import type { JsonWebKey } from 'node:crypto'
import { HOTP, Secret, URI } from 'otpauth'
import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { ForeignCode } from '../../credentials/imported-recovery-codes.ts'
import { providerOf } from '../../credentials/passkey/providers.ts'
import { DEFAULT_TOTP } from '../../credentials/totp.ts'
import type { TotpSecret } from '../../credentials/totp-proof.ts'
import { fromText } from './foreign-text.ts'
import { instantField } from './times.ts'

/** A recovery code of another system, or an unused one of an export of this server. */
export type ImportedCode = ForeignCode | { slot: number; hash: string }

export type ImportedPasskey = {
  credentialId: Buffer
  publicKey: Uint8Array
  counter: number
  transports: string[]
  userHandle: Buffer | null
  discoverable: boolean
  backupEligible: boolean
  backedUp: boolean
  aaguid: string
  name: string
  createdAt: Date | null
  lastUsedAt: Date | null
}

/** Converts a public key that another system stored: see credentials/passkey/public-key.ts. */
export type ReadPublicKey = (key: Uint8Array | JsonWebKey) => Uint8Array | undefined

/** 80 bits, as Google Authenticator once created them. */
const SECRET_MIN_BYTES = 10
const SECRET_MAX_BYTES = 128

const secretReaders = {
  base32: (text: string) => Secret.fromBase32(text.replace(/[\s=-]/g, '').toUpperCase()).bytes,
  hex: (text: string) => Secret.fromHex(text).bytes,
  base64: (text: string) => new Uint8Array(Buffer.from(text, 'base64')),
  // Keycloak and better-auth use the characters of their text as the key.
  utf8: (text: string) => Secret.fromUTF8(text).bytes,
} as const

/** Keycloak writes HmacSHA1, and URIs write SHA1. */
const algorithmField = z
  .string()
  .transform(name => name.toUpperCase().replace(/^HMAC/, '').replaceAll('-', ''))
  .pipe(z.enum(['SHA1', 'SHA256', 'SHA512'], { error: 'The algorithm must be SHA1, SHA256 or SHA512.' }))

const DIGITS = 'Codes must have 6 or 8 digits.'
const PERIOD = 'The period must be 15 to 120 seconds.'

const totpObject = z.object({
  secret: z.string().optional(),
  uri: z.string().optional(),
  encoding: z
    .string()
    .transform(name => name.toLowerCase())
    .pipe(
      z.enum(['base32', 'hex', 'base64', 'utf8'], {
        error: 'The encoding must be base32, hex, base64 or utf8.',
      }),
    )
    .default('base32'),
  algorithm: algorithmField.default(DEFAULT_TOTP.algorithm),
  digits: z.union([z.literal(6), z.literal(8)], { error: DIGITS }).default(DEFAULT_TOTP.digits),
  period: z.int(PERIOD).min(15, PERIOD).max(120, PERIOD).default(DEFAULT_TOTP.periodSeconds),
})

/** A secret in base32, an `otpauth:` URI, or an object with either and the parameters of the codes. */
export const totpField = z
  .unknown()
  .transform(value => {
    const read = fromText(value)
    if (typeof read !== 'string') return read
    return read.startsWith('otpauth:') ? { uri: read } : { secret: read }
  })
  .pipe(totpObject)
  .transform((given, context): TotpSecret => {
    const read = given.uri === undefined ? fromSecret(given) : fromUri(given.uri)
    if (typeof read !== 'string') return read
    context.addIssue(read)
    return z.NEVER
  })

function fromSecret({ secret = '', encoding, algorithm, digits, period }: z.output<typeof totpObject>) {
  return checked(() => secretReaders[encoding](secret), { algorithm, digits, periodSeconds: period })
}

function fromUri(uri: string): TotpSecret | string {
  try {
    const parsed = URI.parse(uri)
    if (parsed instanceof HOTP) return 'Codes that count (HOTP) can’t be imported.'
    const { algorithm, digits, period } = totpObject.parse({ ...parsed, secret: '' })
    return checked(() => parsed.secret.bytes, { algorithm, digits, periodSeconds: period })
  } catch {
    return 'This is not an otpauth: URI with 6 or 8 digits.'
  }
}

/** The secret, or what is wrong with it, which never contains the secret. */
function checked(read: () => Uint8Array, parameters: TotpSecret['parameters']): TotpSecret | string {
  try {
    const secret = Buffer.from(read())
    if (secret.length >= SECRET_MIN_BYTES && secret.length <= SECRET_MAX_BYTES) return { secret, parameters }
    return `The secret must have ${SECRET_MIN_BYTES} to ${SECRET_MAX_BYTES} bytes.`
  } catch {
    return 'The secret can’t be decoded. See `encoding`.'
  }
}

const CODES_MAX = 50
const SHA512_BYTES = 64
const CODE = 'A recovery code must be text of 5 to 64 characters, or {"sha512": "…"} in base64.'

const codeField = z.union(
  [
    z
      .string()
      .regex(/^[\x21-\x7e]([\x20-\x7e]{3,62})[\x21-\x7e]$/)
      .transform(code => ({ code })),
    z
      .object({ sha512: z.string() })
      .transform(({ sha512 }) => ({ sha512: Buffer.from(sha512, 'base64') }))
      .refine(({ sha512 }) => sha512.length === SHA512_BYTES, CODE),
    z.object({ slot: z.int().min(0).max(9), hash: z.string().startsWith('$argon2id$') }),
  ],
  { error: CODE },
)

/** The unused codes of an account. */
export const recoveryCodesField = z
  .unknown()
  .transform(fromText)
  .pipe(z.array(codeField, { error: 'Enter a list of codes.' }).max(CODES_MAX, `At most ${CODES_MAX} codes.`))
  .refine(haveOwnSlots, 'Each code of an export has a slot of its own.')

function haveOwnSlots(codes: readonly ImportedCode[]): boolean {
  const slots = codes.flatMap(code => ('slot' in code ? [code.slot] : []))
  return slots.length === 0 || (slots.length === codes.length && new Set(slots).size === slots.length)
}

/** Bytes in base64, base64url, or PostgreSQL's hexadecimal form. */
const bytesField = z.string().transform((text, context) => {
  const hex = /^\\x((?:[0-9a-f]{2})+)$/i.exec(text)?.[1]
  if (hex) return Buffer.from(hex, 'hex')
  if (/^[\w+/-]+={0,2}$/.test(text)) return Buffer.from(text, 'base64')
  context.addIssue('Enter bytes in base64 or base64url.')
  return z.NEVER
})

const CREDENTIAL_ID_MAX_BYTES = 1023
const HANDLE_MAX_BYTES = 64
const NO_AAGUID = '00000000-0000-0000-0000-000000000000'
const flagField = z.union([z.boolean(), z.literal([0, 1]).transform(Boolean)])

/** The names that other systems use for the same facts. */
const ALIASES: Record<string, readonly string[]> = {
  credentialId: ['credentialID', 'credential_id', 'id'],
  publicKey: ['public_key', 'credentialPublicKey'],
  counter: ['sign_count', 'signCount'],
  userHandle: ['user_handle'],
  backupEligible: ['backup_eligible'],
  backedUp: ['backed_up', 'backup_state'],
  name: ['friendly_name'],
  createdAt: ['created_at'],
  lastUsedAt: ['last_used_at'],
}

function withOurNames(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const given = value as Record<string, unknown>
  const named = Object.entries(ALIASES).map(([name, others]) => [
    name,
    [name, ...others].map(other => given[other]).find(found => found != null),
  ])
  const kept = Object.fromEntries([...Object.entries(given), ...named].filter(([, found]) => found != null))
  return {
    ...(given.deviceType !== undefined && { backupEligible: given.deviceType === 'multiDevice' }),
    ...(given.mfa_only !== undefined && { discoverable: given.mfa_only !== true }),
    ...kept,
  }
}

const transportsField = z
  .unknown()
  .transform(value => (typeof value === 'string' ? fromText(value) : value))
  .transform(value => (typeof value === 'string' ? value.split(',') : value))
  .pipe(
    z
      .array(
        z
          .string()
          .trim()
          .regex(/^[a-z-]{2,20}$/, 'This is no transport.'),
      )
      .max(10),
  )

const passkeyObject = (readPublicKey: ReadPublicKey) =>
  z.object({
    credentialId: bytesField.refine(
      id => id.length > 0 && id.length <= CREDENTIAL_ID_MAX_BYTES,
      'The credential ID is too long.',
    ),
    publicKey: z
      .unknown()
      .transform(fromText)
      .pipe(z.union([bytesField, z.record(z.string(), z.unknown())]))
      .transform((key, context) => {
        const read = readPublicKey(key as Uint8Array | JsonWebKey)
        if (read) return read
        context.addIssue('The public key must be a COSE_Key, SPKI or JWK for ES256, EdDSA or RS256.')
        return z.NEVER
      }),
    counter: z.int().min(0).max(0xffffffff).default(0),
    transports: transportsField.default([]),
    userHandle: bytesField
      .refine(handle => handle.length <= HANDLE_MAX_BYTES, 'The user handle is too long.')
      .optional(),
    discoverable: flagField.default(true),
    backupEligible: flagField.optional(),
    backedUp: flagField.default(false),
    aaguid: z.guid().default(NO_AAGUID),
    name: labelField(100).optional(),
    createdAt: instantField.optional(),
    lastUsedAt: instantField.optional(),
  })

const PASSKEYS_MAX = 50

/** The passkeys and security keys of an account. `readPublicKey` is absent unless `--rp-id` names their domain. */
export const passkeysField = (readPublicKey: ReadPublicKey | undefined) =>
  z
    .unknown()
    .transform((value, context) => {
      const read = fromText(value)
      if (readPublicKey || (Array.isArray(read) && read.length === 0)) return read
      context.addIssue('Passkeys work only on the domain that they were created for. Name it with --rp-id.')
      return z.NEVER
    })
    .pipe(
      z
        .array(
          z
            .unknown()
            .transform(withOurNames)
            .pipe(passkeyObject(readPublicKey ?? (() => undefined))),
          {
            error: 'Enter a list of passkeys.',
          },
        )
        .max(PASSKEYS_MAX, `At most ${PASSKEYS_MAX} passkeys.`),
    )
    .transform(passkeys => passkeys.map(toPasskey))

function toPasskey({
  userHandle,
  backupEligible,
  createdAt,
  lastUsedAt,
  name,
  ...given
}: z.output<ReturnType<typeof passkeyObject>>): ImportedPasskey {
  return {
    ...given,
    userHandle: userHandle ?? null,
    name: name ?? providerOf(given.aaguid) ?? 'Passkey',
    backupEligible: backupEligible ?? false,
    createdAt: createdAt ?? null,
    // The first use sets what is unknown. After that, a change of it is refused.
    lastUsedAt: backupEligible === undefined ? null : (lastUsedAt ?? null),
  }
}
