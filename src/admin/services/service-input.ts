import { z } from 'zod'
import { labelField } from '../../accounts/fields.ts'
import type { App } from '../../app.ts'
import { violatedUnique } from '../../database/client.ts'
import { AuthError, badInput } from '../../errors.ts'
import { type ClientKey, KEYS_MAX, readClientKey } from '../../oauth/client-keys.ts'

const AUDIENCES_MAX = 20
const KEY_MAX_LENGTH = 4000
const TOO_MANY_KEYS = `Use at most ${KEYS_MAX} keys.`
const SAME_ID = 'Two keys have the same ID.'

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
  .max(KEYS_MAX, TOO_MANY_KEYS)
  .transform((texts, context) => {
    const keys = texts.map(readClientKey).filter(key => key !== undefined)
    if (keys.length === texts.length) return keys
    context.addIssue('Enter a public key as PEM or JWK: P-256, RSA of 2048 to 4096 bits, or Ed25519.')
    return z.NEVER
  })
  .refine(haveDistinctIds, SAME_ID)

const roles = z.array(z.string()).transform(names => [...new Set(names)].sort())

export const newServiceSchema = ({ config }: App) =>
  z.object({
    name,
    roles: roles.nullish().transform(names => names ?? []),
    audiences: audiences.nullish().transform(values => values ?? [config.tokens.audience]),
    publicKeys: publicKeys.nullish().transform(keys => keys ?? []),
  })

export const changedServiceSchema = z
  .object({
    name: name.nullish(),
    roles: roles.nullish(),
    audiences: audiences.nullish(),
    publicKeys: publicKeys.nullish(),
    addPublicKeys: publicKeys.nullish(),
    removeKeyIds: z.array(z.string()).nullish(),
  })
  .refine(({ publicKeys, addPublicKeys, removeKeyIds }) => !publicKeys || !(addPublicKeys || removeKeyIds), {
    path: ['publicKeys'],
    message: 'Replace all keys, or add and remove some.',
  })

type KeyChanges = Pick<z.infer<typeof changedServiceSchema>, 'publicKeys' | 'addPublicKeys' | 'removeKeyIds'>

/**
 * The keys of an account after a change; undefined if the change concerns no key.
 * @throws AuthError BAD_USER_INPUT for an ID of no key, for two keys with the same ID, and for more than 5 keys
 */
export function changedKeys(
  before: readonly ClientKey[],
  { publicKeys: replaced, addPublicKeys: added, removeKeyIds: removed }: KeyChanges,
): ClientKey[] | undefined {
  if (replaced) return replaced
  if (!added && !removed) return undefined
  if (removed?.some(id => !before.some(({ kid }) => kid === id)))
    throw badInput({ 'input.removeKeyIds': ['The service account has no key with this ID.'] })
  const after = [...before.filter(({ kid }) => !removed?.includes(kid)), ...(added ?? [])]
  if (after.length > KEYS_MAX) throw badInput({ 'input.addPublicKeys': [TOO_MANY_KEYS] })
  if (!haveDistinctIds(after)) throw badInput({ 'input.addPublicKeys': [SAME_ID] })
  return after
}

function haveDistinctIds(keys: readonly ClientKey[]): boolean {
  return new Set(keys.map(({ kid }) => kid)).size === keys.length
}

/** The error of a name that another service account has; undefined for other errors. */
export function serviceNameTaken(error: unknown): AuthError | undefined {
  if (violatedUnique(error) === undefined) return undefined
  return new AuthError('CONFLICT', {
    message: 'There is already a service account with this name.',
    cause: error,
  })
}
