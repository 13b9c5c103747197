import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { AppModule } from './app.module.js'
import { AuthService } from './auth.js'

const server = new FastifyAdapter()
const app = await NestFactory.create(AppModule, server, { logger: ['error', 'warn'] })
await server.register(app.get(AuthService).authograph.fastifyPlugin, { prefix: '/auth' })
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
