import { Authorized, type Context, Ctx, Query, Resolver, startServer } from '../../src/index.ts'

@Resolver()
export class NotesResolver {
  @Authorized('notes:read')
  @Query(() => [String], { description: 'Your notes.' })
  async notes(@Ctx() context: Context): Promise<string[]> {
    const { account } = await context.viewer()
    return [`Note of ${account.id}`]
  }
}

export const server = await startServer({
  resolvers: [NotesResolver],
  // The role admin has it immediately; grant it to other roles as you like.
  permissions: ['notes:read'],
  publicOperations: [],
})
