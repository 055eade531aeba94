// Who is signed in, where, and what this cloud offers.
import { useQuery } from '@tanstack/react-query'
import { createContext, useContext } from 'react'
import { ApiError, root, send, type Service } from './api'

export interface Ref { id: string; name: string; domain?: Ref }
export interface Session {
  user: Ref; project?: Ref; domain?: Ref; system: boolean
  roles: string[]; region: string; expires: string
  catalog: { id: string; type: string; name: string; endpoints: { interface: string; region: string; url: string }[] }[]
  services: string[]
}

const types: Record<Service, string[]> = { identity: ['identity'], image: ['image'], compute: ['compute'], placement: ['placement'], network: ['network'], volume: ['volumev3', 'volume', 'block-storage'] }

export async function getSession(signal?: AbortSignal): Promise<Session> {
  const r = await fetch(`${root}/api/session`, { headers: { Accept: 'application/json' }, signal })
  const b = await r.json().catch(() => ({}))
  if (!r.ok) throw new ApiError(b?.error?.message ?? r.statusText, r.status, { service: 'identity', method: 'GET', path: '/session' })
  const k = b.token
  return { user: k.user, project: k.project, domain: k.domain, system: !!k.system?.all, roles: (k.roles ?? []).map((x: Ref) => x.name), region: b.region, expires: k.expires_at, catalog: k.catalog ?? [], services: b.services ?? [] }
}

export async function own(method: string, path: string, body?: unknown): Promise<void> {
  const r = await fetch(`${root}${path}`, { method, headers: { 'X-Stackd-Dashboard': '1', 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) })
  if (r.ok) return
  const b = await r.json().catch(() => ({}))
  throw new ApiError(b?.error?.message ?? r.statusText, r.status, { service: 'identity', method: 'GET', path })
}

/** What the catalog and the services' extension lists say. */
export class Offer {
  constructor(readonly session: Session, readonly extensions: Partial<Record<Service, Set<string>>> = {}) {}
  service(s: Service) { return this.session.services.includes(s) && this.session.catalog.some(c => types[s].includes(c.type)) }
  ext(s: Service, alias: string) { return this.extensions[s]?.has(alias) ?? false }
  /** "network:trunk" is an extension, "network" a service. */
  has(need?: string): boolean {
    if (!need) return true
    const [s, alias] = need.split(':') as [Service, string?]
    return this.service(s) && (!alias || this.ext(s, alias))
  }
  get admin() { return this.session.roles.includes('admin') }
  get project() { return this.session.project?.id ?? '' }
}

async function aliases(service: Service, path: string): Promise<Set<string>> {
  const b = await send({ service, method: 'GET', path })
  return new Set((b?.extensions ?? []).map((e: any) => String(e.alias)))
}

/** The offer; a service whose list cannot be read offers no extensions. */
export function useOffer(session: Session): Offer {
  const on = new Offer(session)
  const one = (service: Service, path: string) => ({ queryKey: ['extensions', service, session.project?.id], queryFn: () => aliases(service, path), enabled: on.service(service), staleTime: Infinity, retry: 1 })
  const compute = useQuery(one('compute', '/v2.1/extensions'))
  const network = useQuery(one('network', '/v2.0/extensions'))
  const volume = useQuery(one('volume', '/v3/extensions'))
  return new Offer(session, { compute: compute.data, network: network.data, volume: volume.data })
}

export const OfferContext = createContext<Offer>(null as unknown as Offer)
export const useCloud = () => useContext(OfferContext)
