import { defineConfig } from 'prisma/config'

// `prisma generate` asks for the schema engine, which may not be downloadable, but does not use it: any file will do.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= 'package.json'

export default defineConfig({ schema: 'prisma/schema.prisma' })
