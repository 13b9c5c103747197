import { type RunningServer, type ServerOptions, startServer } from 'authograph'
import { NotesResolver } from './notes.js'

/** Starts the server with your name and color, and with your resolvers. Further settings come from the environment. */
export function start(options: ServerOptions = {}): Promise<RunningServer> {
  return startServer({
    appName: '{{title}}',
    brandColor: '#0f766e',
    web: true,
    resolvers: [NotesResolver],
    // The names of operations that strangers can call. One without a guard that is not here stops the start.
    publicOperations: [],
    // The role admin has it. Grant it to other roles in the console, under Roles.
    permissions: ['notes:read'],
    ...options,
  })
}
