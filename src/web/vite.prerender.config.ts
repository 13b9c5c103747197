import { defineConfig } from 'vite'

// The libraries say 'use client' for other servers. And what the browser loads later is in the one file here.
const IGNORED = ['MODULE_LEVEL_DIRECTIVE', 'INEFFECTIVE_DYNAMIC_IMPORT']

const later = [
  'account/account.tsx',
  'admin/audit.tsx',
  'admin/invite.tsx',
  'admin/invite-many.tsx',
  'admin/mails.tsx',
  'admin/overview.tsx',
  'admin/roles.tsx',
  'admin/services.tsx',
  'admin/user.tsx',
  'admin/webhooks.tsx',
  'client/passkeys.ts',
  'pages/confirm-link.tsx',
  'pages/email-login.tsx',
  'pages/next-step.tsx',
  'pages/provider-return.tsx',
  'pages/set-password.tsx',
  'parts/modal.tsx',
  'parts/open-menu.tsx',
]

/** What browsers load later, such as the pages of links, and the worker never renders. */
const isLater = (source: string) => later.some(module => source.endsWith(`/${module}`))

/** Builds the worker that renders pages on the server, with everything it needs in one file. */
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  ssr: { noExternal: true },
  build: {
    ssr: 'prerender.tsx',
    outDir: '../../dist/prerender',
    emptyOutDir: true,
    minify: true,
    // As in the browser's build, whose files the pages show.
    assetsInlineLimit: 0,
    rolldownOptions: {
      external: isLater,
      checks: { bundlerTimings: false },
      onLog: (level, log, tell) => {
        if (!IGNORED.includes(log.code ?? '')) tell(level, log)
      },
    },
  },
})
