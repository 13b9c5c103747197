import { Field, InputType, registerEnumType } from 'type-graphql'
import { PasskeyInput } from '../../credentials/passkey/passkey.types.ts'

/** Declared as an object so that TypeScript can erase it. */
export const PasskeySuggestion = { NONE: 'NONE', ASK: 'ASK', AUTOMATIC: 'AUTOMATIC' } as const
export type PasskeySuggestion = (typeof PasskeySuggestion)[keyof typeof PasskeySuggestion]

registerEnumType(PasskeySuggestion, {
  name: 'PasskeySuggestion',
  description: 'Whether to suggest a passkey after a sign-in.',
  valuesConfig: {
    NONE: { description: 'No: the account has a factor already, or did not sign in with its password.' },
    ASK: { description: 'Ask the user.' },
    AUTOMATIC: {
      description:
        'The browser may create a passkey without asking: call `beginPasskey` with `automatic: true`, and `navigator.credentials.create()` with `mediation: "conditional"`. If it does not, ask the user.',
    },
  },
})

@InputType('BeginPasskeyInput', { description: 'Which kind of credential to add, and who adds it.' })
export class BeginPasskeyInput {
  @Field(() => String, {
    nullable: true,
    description: 'The ticket of `SecondFactorSetupRequired`. Omit it if you are signed in.',
  })
  ticket?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'The code that `sendEmailCode` sent for the same session or ticket. Required for the first factor of an account.',
  })
  emailCode?: string | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'A security key, which is only a second factor, instead of a passkey.',
  })
  securityKey?: boolean | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'The browser creates the passkey without asking. Only after a sign-in whose `passkeySuggestion` is AUTOMATIC; requires no emailed code.',
  })
  automatic?: boolean | null

  @Field(() => String, {
    nullable: true,
    description: 'For `automatic` in apps: the `deviceToken`. Web pages send it in a cookie.',
  })
  deviceToken?: string | null
}

@InputType('AddPasskeyInput', { description: 'The passkey that the browser created.' })
export class AddPasskeyInput {
  @Field(() => PasskeyInput, { description: 'The ticket of `beginPasskey` and the browser’s answer.' })
  passkey!: PasskeyInput

  @Field(() => String, {
    nullable: true,
    description:
      'At most 100 characters, on one line. By default, the product that stores it, such as iCloud Keychain.',
  })
  name?: string | null
}
