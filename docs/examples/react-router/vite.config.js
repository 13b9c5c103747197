import { reactRouter } from '@react-router/dev/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [reactRouter()],
  // On the host that both servers share, /assets/ belongs to Authograph.
  build: { assetsDir: 'static' },
})
