import { start } from './server.js'

const { url } = await start()
process.stdout.write(`Sign in: ${url}/\nGraphQL: ${url}/graphql\n`)
