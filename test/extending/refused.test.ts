import { describe, expect, test } from '@jest/globals'
import type { ClassType } from 'type-graphql'
import { loadConfig } from '../../src/config.ts'
import {
  Arg,
  Authorized,
  createSchema,
  Field,
  FieldResolver,
  InputType,
  Mutation,
  Query,
  Resolver,
  StepUp,
  startServer,
  UserType,
} from '../../src/index.ts'
import { declaredPermissions } from '../../src/permissions/permissions.ts'

const described = { description: 'For a test.' }

@Resolver()
class Impostor {
  @Query(() => String, described)
  me(): string {
    return 'anyone'
  }
}

@Resolver()
class OpenDoor {
  @Mutation(() => Boolean, { ...described, name: 'deleteUser' })
  remove(): boolean {
    return true
  }
}

@Resolver(() => UserType)
class Peephole {
  @FieldResolver(() => String, described)
  privateMetadata(): string {
    return 'anyone'
  }
}

@Resolver(() => UserType)
class SessionsForAll {
  @FieldResolver(() => [String], described)
  sessions(): string[] {
    return []
  }
}

@Resolver()
class First {
  @Query(() => String, described)
  notes(): string {
    return 'first'
  }
}

@Resolver()
class Second {
  @Query(() => String, described)
  notes(): string {
    return 'second'
  }
}

@Resolver()
class Misspelled {
  @Authorized('notes:raed')
  @Query(() => String, described)
  secrets(): string {
    return 'secret'
  }
}

@Resolver()
class Guarded {
  @Authorized()
  @Query(() => String, described)
  diary(): string {
    return 'secret'
  }

  @StepUp()
  @Mutation(() => Boolean, described)
  burnDiary(): boolean {
    return true
  }
}

@Authorized()
@Resolver()
class GuardedByItsClass {
  @Query(() => String, described)
  letters(): string {
    return 'secret'
  }
}

@InputType(described)
class NoteInput {
  @Field(() => String, described)
  title!: string
}

@Resolver()
class Validated {
  @Mutation(() => Boolean, described)
  addNote(@Arg('input', () => NoteInput, described) _input: NoteInput): boolean {
    return true
  }
}

/** Starts a server that must fail before it opens anything: there is no database at this address. */
const start = (options: { resolvers?: ClassType[]; permissions?: string[]; publicOperations?: string[] }) =>
  startServer({
    ...options,
    signals: false,
    config: loadConfig({
      NODE_ENV: 'test',
      PORT: '0',
      DATABASE_URL: 'postgresql://127.0.0.1:1/none',
      AUTHOGRAPH_SECRET: 'a secret that only the tests may know',
      LOG_LEVEL: 'silent',
    }),
  })

describe('the server does not start', () => {
  test.each<[string, ClassType[], RegExp]>([
    ['a built-in query', [Impostor], /Impostor\.me and ProfileResolver\.me both define Query\.me/],
    ['a built-in mutation, by another method', [OpenDoor], /OpenDoor\.remove .* Mutation\.deleteUser/],
    [
      'a built-in field, guard included',
      [Peephole],
      /Peephole\.privateMetadata would replace .* field UserType/,
    ],
    ['a built-in field with a resolver', [SessionsForAll], /SessionsForAll\.sessions .* UserType\.sessions/],
    ['its own query', [First, Second], /Second\.notes and First\.notes both define Query\.notes/],
  ])('with a resolver that would replace %s', async (_what, resolvers, message) => {
    await expect(start({ resolvers })).rejects.toThrow(message)
  })

  test('with a guard that requires an undeclared permission', async () => {
    const resolvers = [Misspelled]
    await expect(start({ resolvers, permissions: ['notes:read'] })).rejects.toThrow(
      '@Authorized at Misspelled.secrets requires the undeclared permission "notes:raed".',
    )
    const declared = declaredPermissions(['notes:raed'])
    expect(createSchema(resolvers, declared).getQueryType()?.getFields()).toHaveProperty('secrets')
  })

  test('with an operation whose guard was forgotten, if the program names those that are open', async () => {
    const resolvers = [Guarded, GuardedByItsClass, First]
    await expect(start({ resolvers, publicOperations: [] })).rejects.toThrow(
      'First.notes has no guard, so strangers could call it. Add @Authorized(), or "notes" to the publicOperations option.',
    )
    for (const name of ['diary', 'burnDiary', 'letters', 'me', 'noets'])
      await expect(start({ resolvers, publicOperations: ['notes', name] })).rejects.toThrow(
        `publicOperations has "${name}", which is no operation of yours without a guard.`,
      )
    // What is left to fail is the database.
    await expect(start({ resolvers, publicOperations: ['notes'] })).rejects.toThrow('127.0.0.1:1')
  })

  test.each([
    ['self', ['self']],
    ['an empty one', ['']],
    ['*', ['*']],
    ['one with a separator', ['a,b']],
    ['one twice', ['notes:read', 'notes:read']],
    ['a built-in one', ['users:read']],
  ])('with an invalid permission: %s', async (_what, permissions) => {
    await expect(start({ permissions })).rejects.toThrow(/permission/)
  })

  test('with an input whose class-validator decorators would be ignored', async () => {
    // The metadata that class-validator's decorators store, in every copy of that package.
    const holder = globalThis as { classValidatorMetadataStorage?: unknown }
    const rules = [{ propertyName: 'title', type: 'customValidation' }]
    holder.classValidatorMetadataStorage = { validationMetadatas: new Map([[NoteInput, rules]]) }
    try {
      await expect(start({ resolvers: [Validated] })).rejects.toThrow(
        'NoteInput.title has class-validator decorators, which Authograph does not run.',
      )
      expect(() => createSchema([First])).not.toThrow()
    } finally {
      delete holder.classValidatorMetadataStorage
    }
    expect(() => createSchema([Validated])).not.toThrow()
  })
})
