import '@patternfly/react-core/dist/styles/base.css'
import './style.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app'
import { apply } from './core/settings'

apply()
const client = new QueryClient({ defaultOptions: { queries: { refetchOnWindowFocus: false, gcTime: 5 * 60_000 } } })
createRoot(document.getElementById('app')!).render(<StrictMode><QueryClientProvider client={client}><App /></QueryClientProvider></StrictMode>)
