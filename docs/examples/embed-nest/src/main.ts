import 'reflect-metadata'
import { Controller, Get, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Viewer } from 'authograph'
import { AuthGuard, AuthService, CurrentViewer, Permissions } from './auth.js'

@UseGuards(AuthGuard)
@Controller('notes')
class NotesController {
  @Get()
  mine(@CurrentViewer() viewer: Viewer): string[] {
    return [`Note of ${viewer.account.id}`]
  }

  @Permissions('notes:read')
  @Get('all')
  all(): string[] {
    return ['Note of everyone']
  }
}

@Module({
  controllers: [NotesController],
  providers: [AuthGuard, { provide: AuthService, useFactory: () => AuthService.create() }],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
app.use('/auth', app.get(AuthService).authograph.nodeHandler)
app.enableShutdownHooks()
await app.listen(process.env.PORT ?? 3000)
