import { GraphQLDateTime } from 'graphql-scalars'
import { Authorized, Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { UserType } from '../accounts/accounts.types.ts'
import { emailChangeUndoableUntil } from '../accounts/email-undo.ts'
import type { Context } from '../context.ts'

@Resolver(() => UserType)
export class EmailUndoResolver {
  @Authorized('self', 'users:read')
  @FieldResolver(() => GraphQLDateTime, {
    nullable: true,
    description:
      'Until when a link sent to a former address can undo a change of address. Null if no such link is valid. `endEmailChangeUndo` ends it earlier.',
  })
  emailChangeUndoableUntil(@Root() { id }: UserType, @Ctx() { app }: Context): Promise<Date | null> {
    return emailChangeUndoableUntil(app, id)
  }
}
