import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { AppModule } from './app.module.js'
import { AuthService } from './auth.js'

const options = { logger: ['error' as const, 'warn' as const] }
const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), options)
await app.register(app.get(AuthService).authograph.fastifyPlugin, { prefix: '/auth' })
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
