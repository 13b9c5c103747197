import {
  defaultFieldResolver,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  isUnionType,
} from 'graphql'
import type { Context } from '../context.ts'
import { proveKey } from '../dpop/prove-key.ts'

const PAYLOAD = 'AuthPayload'
/** Refreshing has an error of its own for a proof that is refused: see sessions/refresh-request.ts. */
const CHECKS_ITSELF = new Set(['refreshToken'])

/**
 * Verifies the proof of a key in a request, if it has one, before any mutation that may return tokens: nothing is spent or
 * counted if the proof is refused. The session that starts is bound to the key. Goes by the types, so that no way in is
 * forgotten.
 */
export function proveKeys(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    if (CHECKS_ITSELF.has(field.name) || !returnsTokens(field.type)) continue
    const { resolve = defaultFieldResolver } = field
    field.resolve = (root, args, context: Context, info) => {
      proveKey(context.app, context.request, 'BAD_USER_INPUT')
      return resolve(root, args, context, info)
    }
  }
}

function returnsTokens(output: GraphQLOutputType, seen = new Set<unknown>()): boolean {
  const type = getNamedType(output)
  if (seen.has(type)) return false
  seen.add(type)
  if (isUnionType(type)) return type.getTypes().some(member => returnsTokens(member, seen))
  if (!isObjectType(type)) return false
  return (
    type.name === PAYLOAD || Object.values(type.getFields()).some(field => returnsTokens(field.type, seen))
  )
}
