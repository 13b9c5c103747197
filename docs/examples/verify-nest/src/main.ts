import 'reflect-metadata'
import { Controller, Get, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Identity } from 'authograph-verify'
import { AuthGuard, CurrentIdentity, Permissions } from './auth.guard.js'

@UseGuards(AuthGuard)
@Controller('notes')
class NotesController {
  @Get()
  mine(@CurrentIdentity() identity: Identity): string[] {
    return [`Note of ${identity.userId}`]
  }

  @Permissions('notes:read')
  @Get('all')
  all(): string[] {
    return ['Note of everyone']
  }
}

@Module({ controllers: [NotesController], providers: [AuthGuard] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
await app.listen(process.env.PORT ?? 3000)
