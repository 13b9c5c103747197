import { Field, InputType, ObjectType, registerEnumType } from 'type-graphql'
import type { PasswordStrength } from '../credentials/password/policy.ts'

/** Declared as an object so that TypeScript can erase it. */
export const PasswordStrengthType = {
  FAIR: 'FAIR',
  GOOD: 'GOOD',
  STRONG: 'STRONG',
} as const satisfies { [Strength in PasswordStrength]: Strength }

registerEnumType(PasswordStrengthType, {
  name: 'PasswordStrength',
  description: 'How hard an accepted password is to guess.',
  valuesConfig: {
    FAIR: { description: 'Accepted. Takes fewer than 10^10 guesses.' },
    GOOD: { description: 'Takes up to 10^14 guesses.' },
    STRONG: { description: 'Takes more than 10^14 guesses.' },
  },
})

@InputType('CheckPasswordInput', { description: 'A password that someone is about to set.' })
export class CheckPasswordInput {
  @Field(() => String, { description: 'The password.' })
  password!: string

  @Field(() => [String], {
    nullable: true,
    description:
      'The email address, username and display name of the account, which an attacker would try first. At most 20.',
  })
  words?: string[] | null
}

@ObjectType('PasswordCheck', { description: 'What the server would say to a new password.' })
export class PasswordCheck {
  @Field(() => [String], { description: 'Why the server would refuse it. Empty if it would accept it.' })
  problems!: string[]

  @Field(() => PasswordStrengthType, { nullable: true, description: 'Null if the server would refuse it.' })
  strength!: PasswordStrength | null
}
