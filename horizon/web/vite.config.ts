import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// STACKD is a running cloud's one address, for npm run dev: its APIs and sign-in form
// are used, the pages are those of this folder.
const cloud = process.env.STACKD ?? 'http://127.0.0.1:9000'
const ways = Object.fromEntries(['/dashboard/api', '/dashboard/auth', '/dashboard/console'].map(p => [p, { target: cloud, changeOrigin: false, ws: true }]))

export default defineConfig({
  base: '/dashboard/',
  plugins: [react()],
  server: { proxy: ways },
  preview: { proxy: ways },
  build: {
    outDir: '../dist',
    emptyOutDir: false, // pack.mjs tidies up
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
    modulePreload: { polyfill: false },
  },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'], css: false, testTimeout: 20000 },
})
