import { defineConfig } from 'vite'

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
      // The pages of links and after signing in, which the worker never renders.
      external: [
        /\/(?:account|admin)\/[\w-]+\.tsx$/,
        /\/pages\/(?:confirm-link|email-login|next-step|provider-return|set-password)\.tsx$/,
        /\/client\/passkeys\.ts$/,
      ],
      onLog: (level, log, tell) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') tell(level, log)
      },
    },
  },
})
