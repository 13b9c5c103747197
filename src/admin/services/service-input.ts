import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { violatedUnique } from '../../database/client.ts'
import { AuthError } from '../../errors.ts'
import { readClientKey } from '../../oauth/client-keys.ts'

const AUDIENCES_MAX = 20
const KEYS_MAX = 5
const KEY_MAX_LENGTH = 4000

const name = labelField(100).transform((text, context) => {
  if (text !== null) return text
  context.addIssue('Enter a name.')
  return z.NEVER
})

const audiences = z
  .array(z.string())
  .refine(
    values => values.every(value => /^[\x21-\x7E]{1,200}$/.test(value)),
    'Use 1 to 200 ASCII characters without spaces for each audience.',
  )
  .min(1, 'Name at least one audience.')
  .max(AUDIENCES_MAX, `Name at most ${AUDIENCES_MAX} audiences.`)
  .transform(values => [...new Set(values)])

const publicKeys = z
  .array(z.string().max(KEY_MAX_LENGTH))
  .max(KEYS_MAX, `Use at most ${KEYS_MAX} keys.`)
  .transform((texts, context) => {
    const keys = texts.map(readClientKey).filter(key => key !== undefined)
    if (keys.length === texts.length) return keys
    context.addIssue('Enter a public key as PEM or JWK: P-256, RSA of 2048 to 4096 bits, or Ed25519.')
    return z.NEVER
  })
  .refine(keys => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'Two keys have the same ID.')

const roles = z.array(z.string()).transform(names => [...new Set(names)].sort())

export const newServiceSchema = ({ config }: App) =>
  z.object({
    name,
    roles: roles.nullish().transform(names => names ?? []),
    audiences: audiences.nullish().transform(values => values ?? [config.tokens.audience]),
    publicKeys: publicKeys.nullish().transform(keys => keys ?? []),
  })

export const changedServiceSchema = z.object({
  name: name.nullish(),
  roles: roles.nullish(),
  audiences: audiences.nullish(),
  publicKeys: publicKeys.nullish(),
})

/** The error of a name that another service account has; undefined for other errors. */
export function serviceNameTaken(error: unknown): AuthError | undefined {
  if (violatedUnique(error) === undefined) return undefined
  return new AuthError('CONFLICT', {
    message: 'There is already a service account with this name.',
    cause: error,
  })
}
