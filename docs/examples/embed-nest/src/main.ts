import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'
import { AuthService } from './auth.js'

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.use('/auth', app.get(AuthService).authograph.nodeHandler)
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
