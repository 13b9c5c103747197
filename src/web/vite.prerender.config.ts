import { defineConfig } from 'vite'

// The libraries say 'use client' for other servers. And what the browser loads later is in the one file here.
const IGNORED = ['MODULE_LEVEL_DIRECTIVE', 'INEFFECTIVE_DYNAMIC_IMPORT']

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
      // What loads later, such as the pages of links, which the worker never renders.
      external: [
        /\/account\/[\w-]+\.tsx$/,
        /\/admin\/(?:audit|invite|invite-many|mails|overview|roles|services|user|webhooks)\.tsx$/,
        /\/pages\/(?:confirm-link|email-login|next-step|provider-return|set-password)\.tsx$/,
        /\/parts\/(?:modal|open-menu)\.tsx$/,
        /\/client\/passkeys\.ts$/,
      ],
      onLog: (level, log, tell) => {
        if (!IGNORED.includes(log.code ?? '')) tell(level, log)
      },
    },
  },
})
