import { GraphQLDateTime } from 'graphql-scalars'
import { Authorized, Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import type { Context } from '../context.ts'
import { UserType } from './accounts.types.ts'
import { emailChangeUndoableUntil } from './email-undo.ts'

@Resolver(() => UserType)
export class EmailUndoResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => GraphQLDateTime, {
    nullable: true,
    description:
      'Until when a link in an email to a former address can undo a change of address. Null if there is no such link. `endEmailChangeUndo` ends it earlier.',
  })
  emailChangeUndoableUntil(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<Date | null> {
    return emailChangeUndoableUntil(app, id)
  }
}
