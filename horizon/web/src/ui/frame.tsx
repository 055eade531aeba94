// What is around every page: the bar above, the menu, search, keys.
import { Button, Dropdown, DropdownGroup, DropdownItem, DropdownList, Masthead, MastheadBrand, MastheadContent, MastheadLogo, MastheadMain, MastheadToggle, MenuToggle, Nav, NavExpandable, NavItem, NavList, Page, PageSection, PageSidebar, PageSidebarBody, PageToggleButton, SearchInput, SkipToContent, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useMemo, useState, type ReactNode } from 'react'
import { root, sendList } from '../core/api'
import { useLiveState } from '../core/live'
import { follow, go, useWhere } from '../core/router'
import { own, useCloud, type Ref } from '../core/session'
import { change, settings } from '../core/settings'
import { t, languages, type Key, type Language } from '../i18n'
import { dashboards, panelShown } from '../menu'
import { failed } from './notices'

const Search = lazy(() => import('./search'))
const Keys = lazy(() => import('./keys'))

export function Frame({ children }: { children: ReactNode }) {
  const [search, setSearch] = useState(false)
  const [help, setHelp] = useState(false)
  useKeys({ search: () => setSearch(true), help: () => setHelp(true) })
  const small = typeof matchMedia !== 'undefined' && matchMedia('(max-width: 75rem)').matches
  const bar = (
    <Masthead>
      <MastheadMain>
        <MastheadToggle><PageToggleButton isHamburgerButton aria-label={t('Menu')} variant="plain" /></MastheadToggle>
        <MastheadBrand><MastheadLogo component="a" aria-label="stackd" href={`${root}/`} onClick={e => follow(e, '/')}><Logo /><span className="brand">stackd</span></MastheadLogo></MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isStatic>
          <ToolbarContent>
            <ToolbarItem className="bar-scope"><ScopeSwitch /></ToolbarItem>
            <ToolbarItem className="bar-search"><button type="button" className="search-open" aria-label={t('Search by name, id or address')} onClick={() => setSearch(true)} aria-keyshortcuts="/"><span>{t('Search by name, id or address')}</span><kbd>/</kbd></button></ToolbarItem>
            <ToolbarGroup align={{ default: 'alignEnd' }} variant="action-group-plain">
              <ToolbarItem><Live /></ToolbarItem>
              <ToolbarItem className="bar-help"><Button variant="plain" onClick={() => setHelp(true)} aria-label={t('Keyboard')}><kbd>?</kbd></Button></ToolbarItem>
              <ToolbarItem><UserMenu /></ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  )
  return (
    <Page masthead={bar} sidebar={<Menu />} isManagedSidebar defaultManagedSidebarIsOpen={!small && settings().nav} mainContainerId="main" skipToContent={<SkipToContent href="#main" onClick={e => { e.preventDefault(); document.getElementById('main')?.focus() }}>{t('Skip to content')}</SkipToContent>}>
      <PageSection className="page" isFilled>{children}</PageSection>
      <Suspense>{search && <Search close={() => setSearch(false)} />}{help && <Keys close={() => setHelp(false)} />}</Suspense>
    </Page>
  )
}

export const Logo = () => <svg viewBox="0 0 48 48" width="28" height="28" aria-hidden="true" className="logo"><path d="M24 4 44 14 24 24 4 14z" /><path d="M4 22l20 10 20-10v4L24 36 4 26z" opacity=".65" /><path d="M4 31l20 10 20-10v4L24 45 4 35z" opacity=".35" /></svg>

function Live() {
  const s = useLiveState()
  const text: Record<typeof s, Key> = { live: 'Live: changes show at once', polling: 'Changes show within seconds', connecting: 'Connecting' }
  return <span className={`live ${s}`} title={t(text[s])} role="status"><i aria-hidden="true" /><span className="pf-v6-screen-reader">{t(text[s])}</span></span>
}

function Menu() {
  const offer = useCloud()
  const { parts } = useWhere()
  const [d, p] = [parts[0] ?? (offer.project ? 'project' : 'identity'), parts[1] ?? 'overview']
  return (
    <PageSidebar>
      <PageSidebarBody>
        <Nav aria-label={t('Menu')}>
          <NavList>
            {dashboards.filter(x => x.shown(offer)).map(dash => {
              const panels = dash.panels.filter(x => !x.hidden && panelShown(dash, x, offer))
              const groups = [...new Set(panels.map(x => x.group))]
              return (
                <NavExpandable key={dash.id} title={t(dash.label)} groupId={dash.id} isActive={d === dash.id} isExpanded={d === dash.id}>
                  {groups.flatMap(g => [
                    groups.length > 1 && <li key={g} className="menu-group" role="presentation">{t(g)}</li>,
                    ...panels.filter(x => x.group === g).map(x => <NavItem key={x.id} itemId={`${dash.id}/${x.id}`} isActive={d === dash.id && p === x.id} to={`${root}/${dash.id}/${x.id}`} onClick={e => { follow(e as never, `/${dash.id}/${x.id}`); closeSmall() }}>{t(x.label)}</NavItem>),
                  ])}
                </NavExpandable>
              )
            })}
            <NavItem itemId="settings" isActive={d === 'settings'} to={`${root}/settings`} onClick={e => { follow(e as never, '/settings'); closeSmall() }}>{t('Settings')}</NavItem>
          </NavList>
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  )
}

/** On a phone the menu covers the page, and goes when something was chosen. */
function closeSmall() {
  if (matchMedia('(max-width: 75rem)').matches) document.querySelector<HTMLButtonElement>('.pf-v6-c-masthead__toggle button')?.click()
}

function ScopeSwitch() {
  const { session } = useCloud()
  const [open, set] = useState(false)
  const [q, setQ] = useState('')
  const projects = useQuery({ queryKey: ['project', 'mine'], queryFn: ({ signal }) => sendList('identity', '/v3/auth/projects', 'projects', signal), staleTime: 30_000 })
  const domains = useQuery({ queryKey: ['domain', 'mine'], queryFn: ({ signal }) => sendList('identity', '/v3/auth/domains', 'domains', signal), enabled: open, staleTime: 30_000 })
  const system = useQuery({ queryKey: ['system', 'mine'], queryFn: ({ signal }) => sendList('identity', '/v3/auth/system', 'system', signal), enabled: open, staleTime: 30_000 })
  const name = session.system ? t('The whole system') : session.project?.name ?? (session.domain ? `${t('Domain')}: ${session.domain.name}` : '–')
  const enter = (to: object) => own('PUT', '/api/session/scope', to).then(() => { location.href = `${root}/` }, e => failed(t('Change project'), e))
  const list = useMemo(() => (projects.data ?? []).filter((p: Ref) => !q || p.name.toLowerCase().includes(q.toLowerCase())).sort((a: Ref, b: Ref) => a.name.localeCompare(b.name)), [projects.data, q])
  return (
    <Dropdown isOpen={open} onOpenChange={set} isScrollable maxMenuHeight="24rem" toggle={ref => <MenuToggle ref={ref} isExpanded={open} onClick={() => set(!open)} aria-label={`${t('Project')}: ${name}`}><span className="scope-name">{name}</span></MenuToggle>}>
      {(projects.data?.length ?? 0) > 10 && <div className="scope-search"><SearchInput value={q} onChange={(_, v) => setQ(v)} onClear={() => setQ('')} aria-label={t('Filter')} placeholder={t('Filter')} /></div>}
      <DropdownGroup label={t('Projects')}><DropdownList>{list.map((p: Ref) => <DropdownItem key={p.id} isSelected={p.id === session.project?.id} onClick={() => enter({ project: p.id })} description={p.id.slice(0, 8)}>{p.name}</DropdownItem>)}{list.length === 0 && <DropdownItem isDisabled>–</DropdownItem>}</DropdownList></DropdownGroup>
      {(domains.data?.length ?? 0) > 0 && <DropdownGroup label={t('Domains')}><DropdownList>{domains.data!.map((p: Ref) => <DropdownItem key={p.id} onClick={() => enter({ domain: p.id })}>{p.name}</DropdownItem>)}</DropdownList></DropdownGroup>}
      {(system.data?.length ?? 0) > 0 && <DropdownGroup label={t('System')}><DropdownList><DropdownItem onClick={() => enter({ system: true })}>{t('The whole system')}</DropdownItem></DropdownList></DropdownGroup>}
    </Dropdown>
  )
}

function UserMenu() {
  const { session } = useCloud()
  const [open, set] = useState(false)
  const out = () => own('DELETE', '/api/session').finally(() => { location.href = `${root}/auth/login/` })
  return (
    <Dropdown isOpen={open} onOpenChange={set} onSelect={() => set(false)} popperProps={{ position: 'right' }} toggle={ref => <MenuToggle ref={ref} variant="plainText" isExpanded={open} onClick={() => set(!open)} aria-label={`${t('User')}: ${session.user.name}`}>{session.user.name}</MenuToggle>}>
      <DropdownGroup label={t('Language')}><DropdownList>{(Object.keys(languages) as Language[]).map(l => <DropdownItem key={l} isSelected={settings().language === l} onClick={() => change({ language: l })}>{languages[l]}</DropdownItem>)}</DropdownList></DropdownGroup>
      <DropdownGroup label={t('Colours')}><DropdownList>{(['system', 'light', 'dark'] as const).map(x => <DropdownItem key={x} isSelected={settings().theme === x} onClick={() => change({ theme: x })}>{t(x === 'system' ? 'As the system' : x === 'light' ? 'Light' : 'Dark')}</DropdownItem>)}</DropdownList></DropdownGroup>
      <DropdownList><DropdownItem onClick={() => go('/settings')}>{t('Settings')}</DropdownItem><DropdownItem onClick={out}>{t('Sign out')}</DropdownItem></DropdownList>
    </Dropdown>
  )
}

/** "/" searches, "?" helps, "g" and a letter goes to a page. */
function useKeys({ search, help }: { search: () => void; help: () => void }) {
  const offer = useCloud()
  useEffect(() => {
    let g = 0
    const on = (e: KeyboardEvent) => {
      const at = e.target as HTMLElement
      if (e.ctrlKey || e.metaKey || e.altKey || at.closest?.('input, textarea, select, [contenteditable], .console')) return
      if (e.key === '/') { e.preventDefault(); search() }
      else if (e.key === '?') help()
      else if (e.key === 'g') { g = Date.now(); return }
      else if (Date.now() - g < 1500) for (const d of dashboards) for (const p of d.panels) if (p.keys === e.key && panelShown(d, p, offer)) { e.preventDefault(); go(`/${d.id}/${p.id}`) }
      g = 0
    }
    document.addEventListener('keydown', on)
    return () => document.removeEventListener('keydown', on)
  }, [offer, search, help])
}
