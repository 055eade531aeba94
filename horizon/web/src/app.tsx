import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useState } from 'react'
import { ApiError } from './core/api'
import { useLive } from './core/live'
import { useWhere } from './core/router'
import { getSession, OfferContext, useCloud, useOffer, type Session } from './core/session'
import { t, useLanguage } from './i18n'
import { panelAt, panelShown } from './menu'
import { DetailsPage, ListPage } from './pages/panel'
import { Frame } from './ui/frame'
import { Notices } from './ui/notices'
import { Failure, Fence, Nothing, Waiting } from './ui/parts'

const Settings = lazy(() => import('./pages/settings'))
const SignInAgain = lazy(() => import('./pages/signinagain'))

export function App() {
  useLanguage()
  const session = useQuery({ queryKey: ['session'], queryFn: ({ signal }) => getSession(signal), staleTime: Infinity, retry: (n, e) => n < 2 && !(e instanceof ApiError && e.ended) })
  const [ended, setEnded] = useState(false)
  const client = useQueryClient()
  useEffect(() => { const f = () => setEnded(true); window.addEventListener('session-ended', f); return () => window.removeEventListener('session-ended', f) }, [])
  useEffect(() => { if (session.error instanceof ApiError && session.error.ended) setEnded(true) }, [session.error])
  const again = ended && <Suspense><SignInAgain user={session.data?.user} done={() => { setEnded(false); void client.invalidateQueries() }} /></Suspense>
  if (session.data) return <><Cloud session={session.data} />{again}<Notices /></>
  return <main className="alone">{session.error && !ended ? <Failure error={session.error} retry={() => session.refetch()} /> : <Waiting />}{again}</main>
}

function Cloud({ session }: { session: Session }) {
  const offer = useOffer(session)
  useLive(session.project?.id ?? session.domain?.id ?? 'system')
  return <OfferContext.Provider value={offer}><Frame><Pages /></Frame></OfferContext.Provider>
}

function Pages() {
  const { path, parts } = useWhere()
  const language = useLanguage()
  const offer = useCloud()
  const first = offer.project ? ['project', 'overview'] : offer.admin ? ['admin', 'overview'] : ['identity', 'projects']
  return <Fence at={path} key={language}><Suspense fallback={<Waiting />}><Page parts={parts.length ? parts : first} /></Suspense></Fence>
}

function Page({ parts }: { parts: string[] }) {
  const offer = useCloud()
  const [d, p, id] = parts
  const at = panelAt(d ?? '', p ?? 'overview')
  const title = d === 'settings' ? t('Settings') : at ? t(at.panel.label) : t('Not found')
  useEffect(() => { document.title = `${id ? `${id.slice(0, 8)} · ` : ''}${title} · stackd` }, [title, id])
  if (d === 'settings') return <Settings />
  if (!at) return <Nothing title={t('Not found')} text={t('There is no page at this address.')} />
  if (!panelShown(at.dash, at.panel, offer)) return <Nothing title={t(at.panel.label)} text={offer.has(at.panel.need) ? t('Your roles in this project do not allow this. Ask an administrator, or change the project.') : t('This cloud does not offer that.')} />
  if (at.panel.page) return <at.panel.page />
  const def = at.panel.def!
  return id && !def.noDetails ? <DetailsPage key={id} def={def} id={id} base={`/${d}/${p}`} /> : <ListPage key={`${d}/${p}`} def={def} />
}
