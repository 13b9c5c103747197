import {
  Arg,
  Authorized,
  badInput,
  type Context,
  Ctx,
  Field,
  ID,
  Mutation,
  ObjectType,
  Query,
  Resolver,
} from 'authograph'

@ObjectType({ description: 'A note of a user.' })
export class Note {
  @Field(() => ID, { description: 'The ID of the note.' })
  id!: string

  @Field(() => ID, { description: 'The account that wrote the note.' })
  userId!: string

  @Field(() => String, { description: 'What the note says.' })
  text!: string
}

/** Replace this with your own database. */
const notes: Note[] = []

@Resolver()
export class NotesResolver {
  @Authorized()
  @Query(() => [Note], { description: 'Your notes.' })
  async notes(@Ctx() context: Context): Promise<Note[]> {
    const { account } = await context.viewer()
    return notes.filter(note => note.userId === account.id)
  }

  @Authorized('notes:read')
  @Query(() => [Note], { description: 'The notes of everyone.' })
  allNotes(): Note[] {
    return notes
  }

  @Authorized()
  @Mutation(() => Note, { description: 'Writes a note.' })
  async addNote(
    @Ctx() context: Context,
    @Arg('text', () => String, { description: 'What the note says.' }) text: string,
  ): Promise<Note> {
    if (text.length > 1000) throw badInput({ text: ['must have at most 1,000 characters'] })
    const { account } = await context.viewer()
    const note = { id: String(notes.length + 1), userId: account.id, text }
    notes.push(note)
    return note
  }
}
