import { GraphQLDateTime, GraphQLJSONObject } from 'graphql-scalars'
import { Field, ID, InputType, ObjectType } from 'type-graphql'
import type { Passkey } from '../../generated/prisma/client.ts'
import { providerOf } from './providers.ts'

@ObjectType('PasskeyCeremony', {
  description:
    'What a browser needs to create a passkey or to sign in with one. Abandoning it leaves nothing behind.',
})
export class PasskeyCeremony {
  @Field(() => String, { description: 'Send it back with the browser’s answer. Valid once.' })
  ticket!: string

  @Field(() => GraphQLJSONObject, {
    description:
      'The options in the JSON form of WebAuthn Level 3: pass them to `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`, or to a passkey library.',
  })
  options!: object

  @Field(() => GraphQLDateTime, { description: 'When the ticket expires.' })
  expiresAt!: Date
}

@InputType('PasskeyInput', { description: 'The browser’s answer to a `PasskeyCeremony`.' })
export class PasskeyInput {
  @Field(() => String, { description: 'The ticket of the ceremony.' })
  ticket!: string

  @Field(() => GraphQLJSONObject, {
    description: 'What the browser returned: the `toJSON()` of the `PublicKeyCredential`.',
  })
  credential!: Record<string, unknown>
}

@ObjectType('Passkey', {
  description:
    'A passkey or a security key of an account. Only the owner and holders of `users:read` see it.',
})
export class PasskeyType {
  @Field(() => ID, { description: 'A UUID.' })
  id!: string

  @Field(() => String, { description: 'The name that the owner gave it, or one that the server chose.' })
  name!: string

  @Field(() => String, {
    description: 'The credential ID in base64url, with which browsers signal changes to authenticators.',
  })
  credentialId!: string

  @Field(() => Boolean, {
    description: 'Whether it signs in without a name. If not, it is a security key: only a second factor.',
  })
  discoverable!: boolean

  @Field(() => Boolean, { description: 'Whether its provider keeps it on several devices.' })
  synced!: boolean

  @Field(() => String, {
    nullable: true,
    description: 'The product that stores it, such as iCloud Keychain, if it is known.',
  })
  provider!: string | null

  @Field(() => GraphQLDateTime, { description: 'When it was added.' })
  createdAt!: Date

  @Field(() => GraphQLDateTime, { nullable: true, description: 'When it last proved the owner.' })
  lastUsedAt!: Date | null
}

/** The passkey as the API shows it. */
export function toPasskey(passkey: Passkey): PasskeyType {
  const { id, name, credentialId, discoverable, backedUp, aaguid, createdAt, lastUsedAt } = passkey
  return {
    id,
    name,
    credentialId: Buffer.from(credentialId).toString('base64url'),
    discoverable,
    synced: backedUp,
    provider: providerOf(aaguid) ?? null,
    createdAt,
    lastUsedAt,
  }
}
