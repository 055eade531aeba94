import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { Suspense } from 'react'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { filled, said, type Call } from './core/api'
import { ctxOf } from './core/data'
import { patched } from './core/live'
import { fieldsOf, type Ctx, type Resource, type Row } from './core/resource'
import { Offer, OfferContext, type Session } from './core/session'
import { openssh } from './core/openssh'
import { dashboards } from './menu'
import { DetailsPage, ListPage } from './pages/panel'
import { launchCall, launchCli } from './pages/launch'
import { plain } from './pages/log'
import { tokenOf } from './pages/console'
import { cloudsYaml, openrc } from './pages/apiaccess'
import { propertyPatch } from './things/images'
import { cidr, ip } from './things/common'
import { words } from './ui/search'
import { Equivalent, allWrong, bodyText, initials, valid, wrong } from './ui/form'
import { Fence } from './ui/parts'
import { csv, searched, sorted } from './ui/table'

const session: Session = { user: { id: 'u', name: 'ann', domain: { id: 'default', name: 'Default' } }, project: { id: 'p', name: "it's mine", domain: { id: 'default', name: 'Default' } }, system: false, roles: ['admin', 'member'], region: 'RegionOne', expires: '', services: ['identity', 'image', 'compute', 'network', 'volume', 'placement'],
  catalog: ['identity', 'image', 'compute', 'network', 'volumev3', 'placement'].map(type => ({ id: type, type, name: type, endpoints: [{ interface: 'public', region: 'RegionOne', url: `http://cloud/${type}/v3` }] })) }
const everything = { has: () => true } as unknown as Set<string>
const offer = new Offer(session, { compute: everything, network: everything, volume: everything })
const evil = '<img src=x onerror=alert(1)><script>alert(2)</script>{{1}}=1+1'

const panels = dashboards.flatMap(d => d.panels.map(p => ({ d, p })))
const defs = panels.filter(x => x.p.def).map(x => ({ at: `${x.d.id}/${x.p.id}`, def: x.p.def! }))
const pages = panels.filter(x => x.p.page).map(x => ({ at: `${x.d.id}/${x.p.id}`, Page: x.p.page! }))

const row: Row = { id: '11111111-2222', name: evil, status: 'ACTIVE', binary: 'b', host: 'h', hypervisor_hostname: 'h', service: { id: 's', host: 'h' }, hosts: ['h'], addresses: { net: [{ addr: '10.0.0.5' }] }, attachments: [{ server_id: 's', device: '/dev/vda', attachment_id: 'a' }], tags: [], metadata: {}, image: { id: 'i' }, flavor: { original_name: 'f', vcpus: 1, ram: 1, disk: 1 }, security_groups: [{ name: 'default' }], 'os-extended-volumes:volumes_attached': [{ id: 'v' }], rules: [], size: 1, visibility: 'shared', namespace: 'n', roles: [], floating_ip_address: '192.0.2.1', resource_type_associations: [], object_type: 'network', object_id: 'o', target_tenant: '*', project_id: 'p', tenant_id: 'p', owner: 'p' }

const show = (ui: React.ReactNode) => {
  const client = new QueryClient({ defaultOptions: { queries: { retryDelay: 1 } } })
  return render(<QueryClientProvider client={client}><OfferContext.Provider value={offer}><Fence at="x"><Suspense fallback="…">{ui}</Suspense></Fence></OfferContext.Provider></QueryClientProvider>)
}
const answer = (f: (path: string) => Promise<Response>) => vi.stubGlobal('fetch', vi.fn((u: string) => f(u)))
const json = (v: unknown, status = 200) => Promise.resolve(new Response(JSON.stringify(v), { status, headers: { 'Content-Type': 'application/json', 'X-Openstack-Request-Id': 'req-1' } }))

beforeEach(() => { vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} unobserve() {} }); history.replaceState(null, '', '/dashboard/') })
afterEach(() => { cleanup(); vi.unstubAllGlobals() })

describe('an API that answers every call with an error', () => {
  for (const [status, body, text] of [[500, { computeFault: { code: 500, message: 'It broke.' } }, 'It broke.'], [403, { NeutronError: { type: 'x', message: 'Not you.', detail: '' } }, 'Not you.'], [503, 'no healthy upstream', 'no healthy upstream']] as const) {
    it(`${status}: every list says what failed and what to do`, async () => {
      answer(() => typeof body === 'string' ? Promise.resolve(new Response(body, { status })) : json(body, status))
      for (const { at, def } of defs) {
        show(<ListPage def={def} />)
        await waitFor(() => expect(screen.getAllByText(text).length, at).toBeGreaterThan(0))
        expect(screen.queryByText('This page has a fault'), at).toBeNull()
        cleanup()
      }
    })
    it(`${status}: no page breaks`, async () => {
      answer(() => typeof body === 'string' ? Promise.resolve(new Response(body, { status })) : json(body, status))
      for (const { at, Page } of pages) {
        show(<Page />)
        await waitFor(() => expect(document.querySelector('h1'), at).not.toBeNull(), { timeout: 5000 })
        await new Promise(f => setTimeout(f, 30))
        expect(screen.queryByText('This page has a fault'), at).toBeNull()
        cleanup()
      }
    })
  }
  it('a network that is gone, and answers that are no JSON', async () => {
    for (const f of [() => Promise.reject(new TypeError('failed')), () => Promise.resolve(new Response('<html>Bad</html>', { status: 502 })), () => Promise.resolve(new Response('nonsense'))]) {
      answer(f)
      for (const { at, def } of defs.slice(0, 6)) {
        show(<ListPage def={def} />)
        await waitFor(() => expect(document.querySelector('.waiting'), at).toBeNull())
        expect(screen.queryByText('This page has a fault'), at).toBeNull()
        cleanup()
      }
    }
  })
  it('a session that ended asks to sign in, once', async () => {
    const ended = vi.fn()
    window.addEventListener('session-ended', ended)
    answer(() => json({ error: { message: 'The session has ended.' } }, 401))
    show(<ListPage def={defs[0]!.def} />)
    await waitFor(() => expect(ended).toHaveBeenCalled())
    window.removeEventListener('session-ended', ended)
  })
})

describe('a slow API', () => {
  it('every list and page is there and waits', async () => {
    answer(() => new Promise(() => undefined))
    for (const { at, def } of defs) {
      show(<ListPage def={def} />)
      expect(screen.getByRole('heading', { level: 1 }).textContent, at).toBeTruthy()
      expect(document.querySelector('.waiting'), at).not.toBeNull()
      cleanup()
    }
    for (const { at, Page } of pages) {
      show(<Page />)
      await waitFor(() => expect(document.querySelector('h1'), at).not.toBeNull(), { timeout: 5000 })
      cleanup()
    }
  })
})

describe('names that a stranger chose', () => {
  it('are text in lists and details', async () => {
    for (const { at, def } of defs) {
      const s = def.source(offer)
      answer(path => json(path.includes(s.path.split('?')[0]!) ? { [s.key]: [row] } : {}))
      const view = show(<ListPage def={{ ...def, pick: undefined }} />)
      await waitFor(() => expect(document.querySelector('tbody tr'), at).not.toBeNull())
      expect(view.container.querySelector('script, img[onerror]'), at).toBeNull()
      cleanup()
      if (def.noDetails) continue
      answer(() => json({ thing: { ...row, namespace: 'n' } }))
      const d = show(<DetailsPage def={def} id={row.id} base="/x" />)
      await waitFor(() => expect(document.querySelector('h1'), at).not.toBeNull())
      expect(d.container.querySelector('script, img[onerror]'), at).toBeNull()
      expect(screen.queryByText('This page has a fault'), at).toBeNull()
      cleanup()
    }
  })
  it('and harmless in files', () => {
    const def = defs.find(x => x.at === 'project/servers')!.def, ctx = ctxOf(offer, {})
    expect(csv([{ id: '1', name: '=HYPERLINK("x")' }], [{ id: 'n', label: 'Name', value: r => r.name }], ctx)).toContain(`"'=HYPERLINK(""x"")"`)
    expect(openrc(session)).toContain(`OS_PROJECT_NAME='it'\\''s mine'`)
    expect(cloudsYaml({ ...session, user: { id: 'u', name: 'a"\nb: c' } })).toContain('username: "a\\"\\nb: c"')
    expect(plain('\x1b[31mred\x1b[0m\r\nold\rnew\x07')).toBe('red\nnew')
    expect(searched([row], '10.0.0.5', def.columns, ctx, def).length).toBe(1)
  })
})

describe('every action', () => {
  const ctx: Ctx = ctxOf(offer, {})
  const check = (def: Resource) => {
    for (const a of def.actions) {
      if (a.custom || a.to) continue
      const fields = fieldsOf(a, row, ctx)
      const v = valid(fields, initials(fields, ctx), ctx)
      for (const c of a.calls(v, row, ctx) as Call[]) { expect(c.path, `${def.id} ${a.id}`).toMatch(/^\/v\d/); expect(() => JSON.stringify(c.body)).not.toThrow() }
      for (const line of [a.cli(v, row, ctx)].flat()) expect(line, `${def.id} ${a.id}`).toMatch(/^(openstack|glance) /)
      expect(new Set(fields.map(f => f.id)).size, `${def.id} ${a.id}`).toBe(fields.length)
    }
  }
  for (const { at, def } of defs) it(`of ${at} makes calls and commands`, () => check(def))
})

describe("forms' rules", () => {
  const ctx = ctxOf(offer, {})
  it('of single fields', () => {
    expect(wrong({ id: 'n', label: 'Name', required: true }, { n: '' })).toBe('This is needed.')
    expect(wrong({ id: 'n', label: 'Name' }, { n: 'x'.repeat(256) })).toBe('At most 255 characters are allowed.')
    for (const [v, bad] of [['1', undefined], ['0', 'The number is too small.'], ['11', 'The number is too large.'], ['1.5', 'A whole number is wanted.'], ['x', 'A whole number is wanted.']] as const) expect(wrong({ id: 'n', label: 'Name', kind: 'number', min: 1, max: 10 }, { n: v })).toBe(bad)
    for (const [v, good] of [['10.0.0.0/24', true], ['fd00::/64', true], ['10.0.0.0', false], ['x', false]] as const) expect(cidr(v) === undefined, v).toBe(good)
    for (const [v, good] of [['10.0.0.1', true], ['fd00::1', true], ['10.0.0', false], ['host', false]] as const) expect(ip(v) === undefined, v).toBe(good)
  })
  it('what is not shown is neither wanted nor sent', () => {
    const fields = [{ id: 'kind', label: 'Kind' as const, initial: 'a' }, { id: 'more', label: 'Name' as const, required: true, when: (v: Row) => v.kind === 'b' }]
    expect(allWrong(fields, { kind: 'a', more: '' }, ctx)).toEqual([])
    expect(allWrong(fields, { kind: 'b', more: '' }, ctx).map(f => f.id)).toEqual(['more'])
    expect(valid(fields, { kind: 'a', more: 'x' }, ctx)).toEqual({ kind: 'a' })
  })
  it('passwords are not in what is shown to copy', () => {
    expect(bodyText({ user: { password: 'hunter2', name: 'ann', original_password: 'old' } })).not.toMatch(/hunter2|"old"/)
    render(<Equivalent cli="openstack x" calls={[{ service: 'identity', method: 'POST', path: '/v3/users', body: { user: { password: 'hunter2' } } }]} />)
    fireEvent.click(screen.getByText('The same by command and by API'))
    expect(document.body.textContent).not.toContain('hunter2')
  })
  it('a launch sends what was chosen and nothing else', () => {
    const call = launchCall({ name: 'a', count: '3', flavor: 'f', from: 'image', image: 'i', networks: ['n'], ports: [], groups: ['default'], key: 'k', userdata: '#!/bin/sh\necho ü', metadata: { a: 'b' }, tags: 'x, y', hints: {}, group: 'g' })
    expect(call.body).toEqual({ server: { name: 'a', flavorRef: 'f', imageRef: 'i', networks: [{ uuid: 'n' }], key_name: 'k', security_groups: [{ name: 'default' }], user_data: 'IyEvYmluL3NoCmVjaG8gw7w=', metadata: { a: 'b' }, tags: ['x', 'y'], min_count: 3, max_count: 3 }, 'os:scheduler_hints': { group: 'g' } })
    const boot: any = launchCall({ name: 'a', count: 1, flavor: 'f', from: 'image', image: 'i', bootvolume: true, size: '5', drop: true, networks: [] }).body
    expect(boot.server.imageRef).toBeUndefined()
    expect(boot.server.networks).toBe('auto')
    expect(boot.server.block_device_mapping_v2[0]).toMatchObject({ uuid: 'i', source_type: 'image', destination_type: 'volume', volume_size: 5, delete_on_termination: true })
    expect(launchCli({ name: "a'b", flavor: 'f', from: 'image', image: 'i' })).toContain(`'a'\\''b'`)
  })
})

describe('small machinery', () => {
  it('errors of all services are read', () => {
    expect(said({ badRequest: { code: 400, message: 'a' } })).toBe('a')
    expect(said({ NeutronError: { type: 'X', message: 'b', detail: '' } })).toBe('b')
    expect(said({ errors: [{ status: 404, detail: 'c' }] })).toBe('c')
    expect(said({ message: 'd<br /><br />\n\n', code: '415' })).toBe('d')
  })
  it('later calls are filled from earlier answers', () => expect(filled({ a: '{0.network.id}', b: ['x{1.id}'] }, [{ network: { id: '7' } }, { id: 8 }])).toEqual({ a: '7', b: ['x8'] }))
  it('properties become a JSON patch', () => expect(propertyPatch({ a: '1', b: '2', 'x/y': '3' }, { a: '1', b: '5', c: '6' })).toEqual([{ op: 'remove', path: '/x~1y' }, { op: 'replace', path: '/b', value: '5' }, { op: 'add', path: '/c', value: '6' }]))
  it('a console address gives its token', () => { expect(tokenOf('http://h:6080/vnc_lite.html?path=%3Ftoken%3Dabc')).toBe('abc'); expect(tokenOf('http://h/?token=x')).toBe('x') })
  it('rows sort as people count', () => expect(sorted([{ n: 'a10' }, { n: 'a9' }], { id: 'n', label: 'Name', value: r => r.n }, false, ctxOf(offer, {})).map(r => r.n)).toEqual(['a9', 'a10']))
  it('search finds addresses deep inside', () => expect(words({ id: '1', addresses: { n: [{ addr: '10.9.8.7' }] } })).toContain('10.9.8.7'))
  it('keys are as OpenSSH writes them', () => {
    const k = openssh(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), 'c', new Uint8Array([1, 2, 3, 4]))
    expect(k.public).toBe('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB c')
    const raw = atob(k.private.split('\n').slice(1, -2).join(''))
    expect(raw.startsWith('openssh-key-v1\0')).toBe(true)
  })
  it('a thousand rows draw only those in sight', async () => {
    answer(path => json(path.includes('/servers/detail') ? { servers: Array.from({ length: 1000 }, (_, n) => ({ ...row, id: `id-${n}`, name: `s${n}` })) } : { images: [] }))
    show(<ListPage def={defs.find(x => x.at === 'project/servers')!.def} />)
    await waitFor(() => expect(document.querySelector('tbody tr')).not.toBeNull())
    expect(screen.getByText('Rows: 1,000'.replace(',', ''))).toBeTruthy()
    expect(document.querySelectorAll('tbody tr').length).toBeLessThan(80)
    expect((fetch as any).mock.calls.length).toBeLessThanOrEqual(3)
  })
})

describe('a change of one thing in a long list', () => {
  const source = { service: 'compute' as const, path: '/v2.1/servers/detail?limit=1000', key: 'servers', kinds: ['server'] }
  const rows = Array.from({ length: 300 }, (_, n) => ({ id: `s${n}`, status: 'BUILD' }))
  const change = (id: string) => ({ type: 'server', action: 'updated', resource_id: id })
  it('reads that one', async () => {
    const asked: string[] = []
    answer(p => { asked.push(p); return p.endsWith('/s7') ? json({ server: { id: 's7', status: 'ACTIVE' } }) : json({ itemNotFound: { message: 'gone' } }, 404) })
    const now = await patched(rows, source, [change('s7'), change('s9'), change('s7')])
    expect(asked).toEqual(['/dashboard/api/compute/v2.1/servers/s7', '/dashboard/api/compute/v2.1/servers/s9'])
    expect(now?.[7]?.status).toBe('ACTIVE')
    expect(now?.map(r => r.id)).not.toContain('s9')
    expect(now?.length).toBe(299)
  })
  it('has the list read where a row is new, many changed, or the list is short', async () => {
    answer(() => { throw new Error('nothing is to be asked') })
    expect(await patched(rows, source, [change('new')])).toBeUndefined()
    expect(await patched(rows, source, rows.slice(0, 9).map(r => change(r.id)))).toBeUndefined()
    expect(await patched(rows.slice(0, 5), source, [change('s1')])).toBeUndefined()
  })
})
