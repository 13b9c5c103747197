import { Controller, Get, Module, UseGuards } from '@nestjs/common'
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
export class AppModule {}
