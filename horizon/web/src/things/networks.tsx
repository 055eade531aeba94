import { osc } from '../core/format'
import type { Action, Column, Ctx, Field, Option, Resource, Row } from '../core/resource'
import { Status, Thing } from '../ui/parts'
import { SubList } from '../pages/panel'
import { t } from '../i18n'
import { anyName, call, cidr, created, descriptionColumn, descriptionField, idColumn, ip, lean, lines, lists, mac, nameColumn, nameField, num, options, own, projectColumn, type Place } from './common'

const up: Field = { id: 'up', label: 'Enabled (administrative state)', kind: 'switch', initial: true }
const upColumn: Column = { id: 'up', label: 'Enabled', value: r => !!r.admin_state_up, off: true }
const status: Column = { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} />, width: '9rem' }
const admins = (place: Place): Column[] => place === 'admin' ? [projectColumn] : []
const forProject: Field = { id: 'project', label: 'Project', kind: 'select', options: c => options(c, 'projects') }
const remove = (path: string, cli: string, more: Partial<Action> = {}): Action => ({ id: 'delete', label: 'Delete', danger: true, on: 'bulk', calls: (_, r) => [call('network', 'DELETE', `/v2.0/${path}/${r.id}`)], cli: (_, r) => osc(`${cli} delete`, {}, r.id), ...more })
const addressesOf = (p: Row) => (p.fixed_ips ?? []).map((f: Row) => f.ip_address).join(', ')
const mine = (place: Place) => (r: Row, o: { project: string }) => place === 'admin' || own(r, o)

const subnetFields: Field[] = [
  { id: 'version', label: 'IP version', kind: 'select', required: true, initial: '4', options: () => ['4', '6'].map(x => ({ value: x, label: `IPv${x}` })) },
  { id: 'cidr', label: 'Addresses (CIDR)', required: true, initial: '10.0.0.0/24', check: cidr },
  { id: 'nogateway', label: 'No gateway', kind: 'switch' },
  { id: 'gateway', label: 'Gateway', help: 'Empty: the first address.', when: v => !v.nogateway, check: ip },
  { id: 'dhcp', label: 'Addresses by DHCP', kind: 'switch', initial: true },
  { id: 'dns', label: 'Name servers', kind: 'lines', help: 'One a line.', check: v => lines(v).every(x => !ip(x)) ? undefined : 'An address is wanted, for example 10.0.0.1.' },
  { id: 'pools', label: 'Allocation pools', kind: 'lines', help: 'One a line: first,last. Empty: all addresses.', check: v => String(v).split('\n').map(s => s.trim()).filter(Boolean).every(l => l.split(',').length === 2) ? undefined : 'A first and a last address are wanted, with a comma between.' },
  { id: 'routes', label: 'Host routes', kind: 'lines', help: 'One a line: destination,next hop.' },
  { id: 'ra', label: 'IPv6 addresses by', kind: 'select', when: v => v.version === '6', options: () => ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'].map(x => ({ value: x, label: x })) },
]
const two = (v: unknown, a: string, b: string) => String(v ?? '').split('\n').map(s => s.trim()).filter(Boolean).map(l => { const [x, y] = l.split(',').map(s => s.trim()); return { [a]: x, [b]: y } })
export const subnetBody = (v: Row, network: string) => lean({ network_id: network, name: v.subname, ip_version: Number(v.version), cidr: v.cidr, enable_dhcp: v.dhcp, dns_nameservers: lines(v.dns), allocation_pools: two(v.pools, 'start', 'end'), host_routes: two(v.routes, 'destination', 'nexthop'), ipv6_ra_mode: v.ra, ipv6_address_mode: v.ra, ...(v.nogateway ? {} : { gateway_ip: v.gateway }) })
const withGateway = (v: Row, b: Row) => v.nogateway ? { ...b, gateway_ip: null } : b
const subnetCli = (v: Row, network: string) => osc('subnet create', { network, 'subnet-range': v.cidr, 'ip-version': v.version === '6' ? 6 : undefined, gateway: v.nogateway ? 'none' : v.gateway, 'no-dhcp': !v.dhcp, 'dns-nameserver': lines(v.dns), 'ipv6-ra-mode': v.ra, 'ipv6-address-mode': v.ra }, v.subname || `${v.name ?? network}-subnet`)

export function subnets(place: Place, network?: string): Resource {
  return {
    id: 'subnets', label: 'Subnets', one: 'Subnet', need: 'network', source: lists.subnets, joins: { networks: lists.networks, ...(place === 'admin' ? { projects: lists.projects } : {}) },
    columns: [nameColumn(`/${place}/subnets`), ...admins(place), { id: 'network', label: 'Network', value: (r, c) => c.name('networks', r.network_id), show: (r, c) => <Thing to={`/${place}/networks`} id={r.network_id} name={c.name('networks', r.network_id)} /> }, { id: 'cidr', label: 'Addresses', value: r => r.cidr }, { id: 'gateway', label: 'Gateway', value: r => r.gateway_ip }, { id: 'dhcp', label: 'DHCP', value: r => !!r.enable_dhcp, width: '6rem' }, { id: 'dns', label: 'Name servers', value: r => (r.dns_nameservers ?? []).join(', '), off: true }, { id: 'pools', label: 'Allocation pools', value: r => (r.allocation_pools ?? []).map((p: Row) => `${p.start}–${p.end}`).join(', '), off: true }, idColumn],
    actions: [
      { id: 'create', label: 'Create subnet', on: 'table', joins: { networks: lists.networks }, fields: (_, c) => [{ id: 'network', label: 'Network', kind: 'select', required: true, initial: network ?? '', options: () => options(c, 'networks', r => r.name, r => r.id, r => c.offer.admin || own(r, c.offer)) }, { id: 'subname', label: 'Name' }, ...subnetFields], calls: v => [call('network', 'POST', '/v2.0/subnets', { subnet: withGateway(v, subnetBody(v, v.network)) })], cli: v => subnetCli(v, v.network) },
      { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...anyName, initial: r.name }, { id: 'gateway', label: 'Gateway', initial: r.gateway_ip ?? '', help: 'Empty: none.', check: ip }, { id: 'dhcp', label: 'Addresses by DHCP', kind: 'switch', initial: !!r.enable_dhcp }, { id: 'dns', label: 'Name servers', kind: 'lines', help: 'One a line.', initial: (r.dns_nameservers ?? []).join('\n') }],
        calls: (v, r) => [call('network', 'PUT', `/v2.0/subnets/${r.id}`, { subnet: { name: v.name, gateway_ip: v.gateway || null, enable_dhcp: v.dhcp, dns_nameservers: lines(v.dns) } })], cli: (v, r) => osc('subnet set', { name: v.name, gateway: v.gateway || 'none', [v.dhcp ? 'dhcp' : 'no-dhcp']: true, 'dns-nameserver': lines(v.dns) }, r.id) },
      remove('subnets', 'subnet'),
    ],
  }
}

const deviceColumn = (place: Place): Column => ({ id: 'device', label: 'Device', value: (r, c) => r.device_id ? (c.find('servers', r.device_id) ?? c.find('routers', r.device_id))?.name ?? r.device_owner : '', show: (r, c) => {
  if (!r.device_id) return '–'
  if (r.device_owner?.startsWith('compute:')) return <Thing to={`/${place}/servers`} id={r.device_id} name={c.name('servers', r.device_id)} />
  return r.device_owner?.startsWith('network:router') ? <Thing to={`/${place}/routers`} id={r.device_id} name={r.device_owner.replace('network:', '')} /> : r.device_owner || r.device_id
} })

export function ports(place: Place, network?: string): Resource {
  const groups: Field = { id: 'groups', label: 'Security groups', kind: 'many', options: c => options(c, 'groups', r => r.name, r => r.id, r => own(r, c.offer)), when: v => v.security !== false }
  return {
    id: 'ports', label: 'Ports', one: 'Port', need: 'network', source: lists.ports, joins: { networks: lists.networks, servers: place === 'admin' ? lists.allServers : lists.servers },
    pick: mine(place),
    columns: [{ id: 'name', label: 'Name', value: r => r.name || r.id, show: r => <Thing to={`/${place}/ports`} id={r.id} name={r.name || addressesOf(r)} /> }, status, { id: 'addresses', label: 'Addresses', value: addressesOf }, { id: 'mac', label: 'MAC address', value: r => r.mac_address }, { id: 'network', label: 'Network', value: (r, c) => c.name('networks', r.network_id) }, deviceColumn(place), { id: 'owner', label: 'Used by', value: r => r.device_owner, off: true }, { id: 'security', label: 'Port security', value: r => !!r.port_security_enabled, off: true }, { id: 'host', label: 'Host', value: r => r['binding:host_id'], off: place !== 'admin' }, upColumn, idColumn],
    facets: ['status', 'network'],
    actions: [
      { id: 'create', label: 'Create port', on: 'table', joins: { networks: lists.networks, groups: lists.groups }, fields: (_, c) => [anyName, { id: 'network', label: 'Network', kind: 'select', required: true, initial: network ?? '', options: () => options(c, 'networks') }, { id: 'ip', label: 'Fixed address', help: 'Empty: one is chosen.', check: ip }, { id: 'mac', label: 'MAC address', help: 'Empty: one is chosen.', check: mac }, { id: 'security', label: 'Port security', kind: 'switch', initial: true }, groups],
        calls: v => [call('network', 'POST', '/v2.0/ports', { port: { ...lean({ name: v.name, network_id: v.network, mac_address: v.mac, security_groups: v.groups, fixed_ips: v.ip ? [{ ip_address: v.ip }] : [] }), ...(v.security ? {} : { port_security_enabled: false }) } })], cli: v => osc('port create', { network: v.network, 'fixed-ip': v.ip && `ip-address=${v.ip}`, 'mac-address': v.mac, 'security-group': v.groups, 'disable-port-security': !v.security }, v.name || 'port') },
      { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...anyName, initial: r.name }, { ...up, initial: !!r.admin_state_up }], calls: (v, r) => [call('network', 'PUT', `/v2.0/ports/${r.id}`, { port: { name: v.name, admin_state_up: v.up } })], cli: (v, r) => osc('port set', { name: v.name, [v.up ? 'enable' : 'disable']: true }, r.id) },
      { id: 'security', label: 'Edit port security', on: 'row', joins: { groups: lists.groups }, fields: r => [{ id: 'security', label: 'Port security', kind: 'switch', initial: !!r.port_security_enabled }, { ...groups, initial: r.security_groups ?? [] }], calls: (v, r) => [call('network', 'PUT', `/v2.0/ports/${r.id}`, { port: { port_security_enabled: v.security, security_groups: v.security ? v.groups : [] } })], cli: (v, r) => osc('port set', { 'no-security-group': true, 'security-group': v.groups, [v.security ? 'enable-port-security' : 'disable-port-security']: true }, r.id) },
      { id: 'pairs', label: 'Allowed address pairs', on: 'row', need: 'network:allowed-address-pairs', fields: r => [{ id: 'pairs', label: 'Allowed address pairs', kind: 'lines', initial: (r.allowed_address_pairs ?? []).map((p: Row) => [p.ip_address, p.mac_address].filter(Boolean).join(',')).join('\n'), help: 'One a line: address or CIDR, and a MAC address after a comma if it is another.' }], calls: (v, r) => [call('network', 'PUT', `/v2.0/ports/${r.id}`, { port: { allowed_address_pairs: String(v.pairs).split('\n').map(s => s.trim()).filter(Boolean).map(l => { const [a, m] = l.split(',').map(s => s.trim()); return lean({ ip_address: a, mac_address: m }) }) } })], cli: (v, r) => osc('port set', { 'no-allowed-address': true, 'allowed-address': String(v.pairs).split('\n').filter(Boolean).map(l => `ip-address=${l.split(',')[0]}`) }, r.id) },
      remove('ports', 'port', { when: r => !r.device_owner?.startsWith('network:') }),
    ],
  }
}

export function networks(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'networks', label: 'Networks', one: 'Network', need: 'network', source: lists.networks, joins: { subnets: lists.subnets, ...(admin ? { projects: lists.projects } : {}) },
    pick: (r, o) => admin || own(r, o) || r.shared || r['router:external'],
    columns: [nameColumn(`/${place}/networks`), ...admins(place), status, { id: 'subnets', label: 'Subnets', value: (r, c) => (r.subnets ?? []).map((s: string) => c.find('subnets', s)).filter(Boolean).map((s: any) => s.cidr).join(', ') }, { id: 'shared', label: 'Shared', value: r => !!r.shared, width: '6rem' }, { id: 'external', label: 'External', value: r => !!r['router:external'], width: '7rem' }, { id: 'kind', label: 'Network type', value: r => [r['provider:network_type'], r['provider:segmentation_id']].filter(Boolean).join(' '), off: !admin }, { id: 'mtu', label: 'MTU', value: r => r.mtu, off: true }, upColumn, { ...created, off: true }, idColumn],
    empty: 'A network of your own connects your servers; a router connects it to others.',
    actions: [
      { id: 'create', label: 'Create network', on: 'table', joins: admin ? { projects: lists.projects } : {}, fields: () => [nameField,
        ...(admin ? [forProject, { id: 'type', label: 'Network type', kind: 'select', options: () => ['geneve', 'vxlan', 'vlan', 'flat'].map(x => ({ value: x, label: x })) } as Field, { id: 'physical', label: 'Physical network', when: v => v.type === 'flat' || v.type === 'vlan', initial: 'physnet1' } as Field, { id: 'segment', label: 'Segmentation ID', kind: 'number', when: v => v.type && v.type !== 'flat' } as Field, { id: 'external', label: 'External', kind: 'switch' } as Field, { id: 'shared', label: 'Shared with all projects', kind: 'switch' } as Field] : []),
        up, { id: 'withsubnet', label: 'With a subnet', kind: 'switch', initial: true }, { id: 'subname', label: 'Name of the subnet', when: v => v.withsubnet }, ...subnetFields.map(f => ({ ...f, when: (v: Row, c: Ctx) => !!v.withsubnet && (!f.when || f.when(v, c)) }))],
        calls: v => [call('network', 'POST', '/v2.0/networks', { network: lean({ name: v.name, admin_state_up: v.up, project_id: v.project, 'provider:network_type': v.type, 'provider:physical_network': v.physical, 'provider:segmentation_id': num(v.segment), 'router:external': v.external || undefined, shared: v.shared || undefined }) }), ...(v.withsubnet ? [call('network', 'POST', '/v2.0/subnets', { subnet: withGateway(v, subnetBody({ ...v, subname: v.subname || `${v.name}-subnet` }, '{0.network.id}')) })] : [])],
        cli: v => [osc('network create', { disable: !v.up, project: v.project, 'provider-network-type': v.type, 'provider-physical-network': v.physical, 'provider-segment': v.segment, external: v.external, share: v.shared }, v.name), ...(v.withsubnet ? [subnetCli(v, v.name)] : [])] },
      { id: 'edit', label: 'Edit', on: 'row', fields: (r, c) => [{ ...nameField, initial: r.name }, { ...descriptionField, initial: r.description }, { ...up, initial: !!r.admin_state_up }, ...(c.offer.admin ? [{ id: 'shared', label: 'Shared with all projects', kind: 'switch', initial: !!r.shared } as Field] : [])], when: (r, c) => c.offer.admin || own(r, c.offer),
        calls: (v, r) => [call('network', 'PUT', `/v2.0/networks/${r.id}`, { network: { name: v.name, description: v.description, admin_state_up: v.up, ...(v.shared !== undefined && v.shared !== r.shared ? { shared: v.shared } : {}) } })], cli: (v, r) => osc('network set', { name: v.name, description: v.description, [v.up ? 'enable' : 'disable']: true }, r.id) },
      { id: 'subnet', label: 'Create subnet', on: 'row', when: (r, c) => c.offer.admin || own(r, c.offer), fields: [{ id: 'subname', label: 'Name' }, ...subnetFields], calls: (v, r) => [call('network', 'POST', '/v2.0/subnets', { subnet: withGateway(v, subnetBody(v, r.id)) })], cli: (v, r) => subnetCli(v, r.id) },
      remove('networks', 'network', { when: (r, c) => c.offer.admin || own(r, c.offer) }),
    ],
    tabs: [
      { id: 'subnets', label: 'Subnets', show: r => <SubList def={subnets(place, r.id)} only={s => s.network_id === r.id} /> },
      { id: 'ports', label: 'Ports', show: r => <SubList def={ports(place, r.id)} only={p => p.network_id === r.id} /> },
    ],
  }
}

const gatewayFields: Field[] = [{ id: 'network', label: 'External network', kind: 'select', options: c => options(c, 'networks', r => r.name, r => r.id, r => r['router:external']) }]

export function routers(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'routers', label: 'Routers', one: 'Router', need: 'network:router', source: lists.routers, joins: { networks: lists.networks, ...(admin ? { projects: lists.projects } : {}) }, pick: mine(place),
    columns: [nameColumn(`/${place}/routers`), ...admins(place), status, { id: 'gateway', label: 'External network', value: (r, c) => r.external_gateway_info ? c.name('networks', r.external_gateway_info.network_id) : '' }, { id: 'address', label: 'External address', value: r => (r.external_gateway_info?.external_fixed_ips ?? []).map((f: Row) => f.ip_address).join(', ') }, { id: 'snat', label: 'SNAT', value: r => !!r.external_gateway_info?.enable_snat, off: true }, upColumn, idColumn],
    empty: 'A router joins networks and leads out of the cloud.',
    actions: [
      { id: 'create', label: 'Create router', on: 'table', joins: { networks: lists.networks, subnets: lists.subnets, ...(admin ? { projects: lists.projects } : {}) }, fields: (_, c) => [nameField, ...(admin ? [forProject] : []), ...gatewayFields, { id: 'subnets', label: 'Connect subnets', kind: 'many', options: () => options(c, 'subnets', r => `${r.name || r.cidr} · ${c.name('networks', r.network_id)}`, r => r.id, r => own(r, c.offer) && !c.find('networks', r.network_id)?.['router:external']) }],
        calls: v => [call('network', 'POST', '/v2.0/routers', { router: lean({ name: v.name, project_id: v.project, external_gateway_info: v.network ? { network_id: v.network } : undefined }) }), ...(v.subnets ?? []).map((s: string) => call('network', 'PUT', '/v2.0/routers/{0.router.id}/add_router_interface', { subnet_id: s }))],
        cli: v => [osc('router create', { 'external-gateway': v.network, project: v.project }, v.name), ...(v.subnets ?? []).map((s: string) => osc('router add subnet', {}, v.name, s))] },
      { id: 'gateway', label: 'Set gateway', on: 'row', joins: { networks: lists.networks }, fields: r => [{ ...gatewayFields[0]!, required: true, initial: r.external_gateway_info?.network_id ?? '' }, { id: 'snat', label: 'SNAT', kind: 'switch', initial: r.external_gateway_info?.enable_snat ?? true }], calls: (v, r, c) => [call('network', 'PUT', `/v2.0/routers/${r.id}`, { router: { external_gateway_info: { network_id: v.network, ...(c.offer.admin ? { enable_snat: v.snat } : {}) } } })], cli: (v, r) => osc('router set', { 'external-gateway': v.network, 'disable-snat': !v.snat }, r.id) },
      { id: 'ungateway', label: 'Clear gateway', on: 'row', danger: true, when: r => !!r.external_gateway_info, calls: (_, r) => [call('network', 'PUT', `/v2.0/routers/${r.id}`, { router: { external_gateway_info: null } })], cli: (_, r) => osc('router unset --external-gateway', {}, r.id) },
      { id: 'interface', label: 'Add interface', on: 'row', joins: { subnets: lists.subnets, networks: lists.networks }, fields: (_, c) => [{ id: 'subnet', label: 'Subnet', kind: 'select', required: true, options: () => options(c, 'subnets', r => `${r.name || r.cidr} · ${c.name('networks', r.network_id)}`, r => r.id, r => !c.find('networks', r.network_id)?.['router:external']) }], calls: (v, r) => [call('network', 'PUT', `/v2.0/routers/${r.id}/add_router_interface`, { subnet_id: v.subnet })], cli: (v, r) => osc('router add subnet', {}, r.id, v.subnet) },
      { id: 'uninterface', label: 'Remove interface', on: 'row', joins: { ports: lists.ports, networks: lists.networks }, fields: (r, c) => [{ id: 'port', label: 'Interface', kind: 'select', required: true, options: () => options(c, 'ports', p => `${addressesOf(p)} · ${c.name('networks', p.network_id)}`, p => p.id, p => p.device_id === r.id && p.device_owner !== 'network:router_gateway') }], calls: (v, r) => [call('network', 'PUT', `/v2.0/routers/${r.id}/remove_router_interface`, { port_id: v.port })], cli: (v, r) => osc('router remove port', {}, r.id, v.port) },
      { id: 'routes', label: 'Static routes', on: 'row', need: 'network:extraroute', fields: r => [{ id: 'routes', label: 'Static routes', kind: 'lines', help: 'One a line: destination,next hop.', initial: (r.routes ?? []).map((x: Row) => `${x.destination},${x.nexthop}`).join('\n') }], calls: (v, r) => [call('network', 'PUT', `/v2.0/routers/${r.id}`, { router: { routes: two(v.routes, 'destination', 'nexthop') } })], cli: (v, r) => osc('router set', { 'no-route': true, route: two(v.routes, 'd', 'n').map(x => `destination=${x.d},gateway=${x.n}`) }, r.id) },
      { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...nameField, initial: r.name }, { ...up, initial: !!r.admin_state_up }], calls: (v, r) => [call('network', 'PUT', `/v2.0/routers/${r.id}`, { router: { name: v.name, admin_state_up: v.up } })], cli: (v, r) => osc('router set', { name: v.name, [v.up ? 'enable' : 'disable']: true }, r.id) },
      remove('routers', 'router', { text: 'Its interfaces must be removed before.' }),
    ],
    tabs: [{ id: 'interfaces', label: 'Interfaces', show: r => <SubList def={{ ...ports(place), pick: undefined, actions: [] }} only={p => p.device_id === r.id} /> }],
    facts: [
      { label: 'Status', value: r => <Status of={r.status} /> }, { label: 'External network', value: (r, c) => r.external_gateway_info ? c.name('networks', r.external_gateway_info.network_id) : '' }, { label: 'External address', value: r => (r.external_gateway_info?.external_fixed_ips ?? []).map((f: Row) => f.ip_address).join(', ') },
      { label: 'SNAT', value: r => t(r.external_gateway_info?.enable_snat ? 'Yes' : 'No') }, { label: 'Static routes', value: r => <ul className="plain">{(r.routes ?? []).map((x: Row) => <li key={x.destination}>{x.destination} → {x.nexthop}</li>)}</ul> }, { label: 'Availability zone', value: r => (r.availability_zones ?? []).join(', ') },
    ],
  }
}

/** What people usually let in: name → protocol, first and last port. */
export const presets: Record<string, [string, number?, number?]> = {
  'SSH (22)': ['tcp', 22, 22], 'HTTP (80)': ['tcp', 80, 80], 'HTTPS (443)': ['tcp', 443, 443], 'ICMP (ping)': ['icmp'], 'DNS (53)': ['udp', 53, 53], 'RDP (3389)': ['tcp', 3389, 3389], 'MySQL (3306)': ['tcp', 3306, 3306], 'PostgreSQL (5432)': ['tcp', 5432, 5432], 'SMTP (25)': ['tcp', 25, 25], 'IMAPS (993)': ['tcp', 993, 993], 'LDAP (389)': ['tcp', 389, 389], 'All TCP': ['tcp', 1, 65535], 'All UDP': ['udp', 1, 65535],
}
const ruleOf = (v: Row) => {
  const p = presets[v.preset]
  const [protocol, first, last] = p ?? [v.protocol, num(v.first), num(v.last) ?? num(v.first)]
  return lean({ direction: v.direction, ethertype: v.ether, protocol: protocol || undefined, port_range_min: first, port_range_max: last, remote_ip_prefix: v.remote === 'cidr' ? v.cidr : undefined, remote_group_id: v.remote === 'group' ? v.group : undefined, description: v.description })
}
const custom = (v: Row) => v.preset === 'custom'
const ruleFields: Field[] = [
  { id: 'preset', label: 'Rule', kind: 'select', required: true, initial: 'SSH (22)', options: () => [...Object.keys(presets).map(x => ({ value: x, label: x })), { value: 'custom', label: t('Custom') }] },
  { id: 'direction', label: 'Direction', kind: 'select', required: true, initial: 'ingress', options: (): Option[] => [{ value: 'ingress', label: t('In') }, { value: 'egress', label: t('Out') }] },
  { id: 'protocol', label: 'Protocol', kind: 'select', when: custom, initial: 'tcp', options: () => ['tcp', 'udp', 'icmp', 'ipv6-icmp', 'sctp', 'gre', 'esp', 'ah', 'vrrp'].map(x => ({ value: x, label: x })) },
  { id: 'first', label: 'First port', kind: 'number', min: 0, max: 65535, when: v => custom(v) && ['tcp', 'udp', 'sctp'].includes(v.protocol) },
  { id: 'last', label: 'Last port', kind: 'number', min: 0, max: 65535, when: v => custom(v) && ['tcp', 'udp', 'sctp'].includes(v.protocol), check: (x, v) => v.first !== '' && Number(x) < Number(v.first) ? 'It comes before the first port.' : undefined },
  { id: 'ether', label: 'IP version', kind: 'select', required: true, initial: 'IPv4', options: () => ['IPv4', 'IPv6'].map(x => ({ value: x, label: x })) },
  { id: 'remote', label: 'Other side', kind: 'select', required: true, initial: 'any', options: () => [{ value: 'any', label: t('Any address') }, { value: 'cidr', label: 'CIDR' }, { value: 'group', label: t('Security group') }] },
  { id: 'cidr', label: 'Addresses (CIDR)', required: true, when: v => v.remote === 'cidr', check: cidr, placeholder: '192.0.2.0/24' },
  { id: 'group', label: 'Security group', kind: 'select', required: true, when: v => v.remote === 'group', options: c => options(c, 'groups', r => r.name, r => r.id, r => own(r, c.offer)) },
  { id: 'description', label: 'Description' },
]
const ruleCli = (v: Row, group: string) => { const r: Row = ruleOf(v); return osc('security group rule create', { [v.direction]: true, ethertype: v.ether, protocol: r.protocol, 'dst-port': r.port_range_min !== undefined ? r.port_range_min === r.port_range_max ? r.port_range_min : `${r.port_range_min}:${r.port_range_max}` : undefined, 'remote-ip': r.remote_ip_prefix, 'remote-group': r.remote_group_id }, group) }
export const portText = (r: Row) => r.port_range_min === null || r.port_range_min === undefined ? t('all') : r.port_range_min === r.port_range_max ? String(r.port_range_min) : `${r.port_range_min}–${r.port_range_max}`

const rules = (group: string): Resource => ({
  id: 'rules', label: 'Rules', one: 'Rule', need: 'network:security-group', noDetails: true, rowName: r => `${r.direction} ${r.protocol ?? ''} ${portText(r)}`, joins: { groups: lists.groups },
  source: () => ({ service: 'network', path: `/v2.0/security-group-rules?security_group_id=${group}`, key: 'security_group_rules', kinds: ['security_group_rule', 'security_group'] }),
  columns: [{ id: 'direction', label: 'Direction', value: r => t(r.direction === 'ingress' ? 'In' : 'Out'), width: '7rem' }, { id: 'ether', label: 'IP version', value: r => r.ethertype, width: '7rem' }, { id: 'protocol', label: 'Protocol', value: r => r.protocol ?? t('all'), width: '7rem' }, { id: 'port', label: 'Ports', value: portText, width: '9rem' }, { id: 'remote', label: 'Other side', value: (r, c) => r.remote_ip_prefix ?? (r.remote_group_id ? c.name('groups', r.remote_group_id) : t('Any address')) }, { id: 'description', label: 'Description', value: r => r.description }, idColumn],
  actions: [
    { id: 'create', label: 'Add rule', on: 'table', joins: { groups: lists.groups }, fields: ruleFields, calls: v => [call('network', 'POST', '/v2.0/security-group-rules', { security_group_rule: { security_group_id: group, ...ruleOf(v) } })], cli: v => ruleCli(v, group) },
    remove('security-group-rules', 'security group rule'),
  ],
})

export const securityGroups: Resource = {
  id: 'security-groups', label: 'Security groups', one: 'Security group', need: 'network:security-group', source: lists.groups, pick: own,
  columns: [nameColumn('/project/security-groups'), { id: 'rules', label: 'Rules', value: r => (r.security_group_rules ?? []).length, width: '6rem' }, { id: 'in', label: 'Lets in', value: r => (r.security_group_rules ?? []).filter((x: Row) => x.direction === 'ingress' && !x.remote_group_id).map((x: Row) => `${x.protocol ?? t('all')} ${portText(x)}`).join(', ') }, { id: 'description', label: 'Description', value: r => r.description }, { id: 'stateful', label: 'Stateful', value: r => r.stateful !== false, off: true }, idColumn],
  actions: [
    { id: 'create', label: 'Create security group', on: 'table', fields: [nameField, descriptionField], calls: v => [call('network', 'POST', '/v2.0/security-groups', { security_group: lean({ name: v.name, description: v.description }) })], cli: v => osc('security group create', { description: v.description }, v.name) },
    { id: 'rule', label: 'Add rule', on: 'row', joins: { groups: lists.groups }, fields: ruleFields, calls: (v, r) => [call('network', 'POST', '/v2.0/security-group-rules', { security_group_rule: { security_group_id: r.id, ...ruleOf(v) } })], cli: (v, r) => ruleCli(v, r.id) },
    { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...nameField, initial: r.name }, { ...descriptionField, initial: r.description }], calls: (v, r) => [call('network', 'PUT', `/v2.0/security-groups/${r.id}`, { security_group: { ...(v.name !== r.name ? { name: v.name } : {}), description: v.description } })], cli: (v, r) => osc('security group set', { name: v.name, description: v.description }, r.id) },
    remove('security-groups', 'security group', { when: r => r.name !== 'default' }),
  ],
  tabs: [{ id: 'rules', label: 'Rules', show: r => <SubList def={rules(r.id)} only={x => x.security_group_id === r.id} /> }],
}

export function floatingIps(place: Place): Resource {
  const admin = place === 'admin'
  return {
    id: 'floating-ips', label: 'Floating IPs', one: 'Floating IP', need: 'network:router', source: lists.floatingIps, pick: mine(place), rowName: r => r.floating_ip_address,
    joins: { networks: lists.networks, ...(admin ? { projects: lists.projects } : { servers: lists.servers }) }, // everybody's servers are named by their ids
    columns: [{ id: 'address', label: 'Address', value: r => r.floating_ip_address, show: r => <Thing to={`/${place}/floating-ips`} id={r.id} name={r.floating_ip_address} /> }, ...admins(place), status, { id: 'fixed', label: 'Fixed address', value: r => r.fixed_ip_address }, { id: 'server', label: 'Server', value: (r, c) => r.port_details?.device_id ? c.name('servers', r.port_details.device_id) : '', show: (r, c) => r.port_details?.device_id ? <Thing to={`/${place}/servers`} id={r.port_details.device_id} name={c.name('servers', r.port_details.device_id)} /> : '–' }, { id: 'network', label: 'External network', value: (r, c) => c.name('networks', r.floating_network_id) }, { id: 'dns', label: 'DNS name', value: r => [r.dns_name, r.dns_domain].filter(Boolean).join('.'), off: true }, descriptionColumn, idColumn],
    facets: ['status'],
    empty: 'A floating IP makes a server reachable from outside.',
    actions: [
      { id: 'create', label: 'Allocate floating IP', on: 'table', joins: { networks: lists.networks, ...(admin ? { projects: lists.projects } : {}) }, fields: (_, c) => [{ id: 'network', label: 'External network', kind: 'select', required: true, options: () => options(c, 'networks', r => r.name, r => r.id, r => r['router:external']) }, ...(admin ? [forProject, { id: 'address', label: 'Address', check: ip } as Field] : []), descriptionField], calls: v => [call('network', 'POST', '/v2.0/floatingips', { floatingip: lean({ floating_network_id: v.network, description: v.description, project_id: v.project, floating_ip_address: v.address }) })], cli: v => osc('floating ip create', { description: v.description, project: v.project, 'floating-ip-address': v.address }, v.network) },
      { id: 'associate', label: 'Associate', on: 'row', when: r => !r.port_id, joins: { ports: lists.ports, servers: lists.servers }, fields: (_, c) => [{ id: 'port', label: 'Port', kind: 'select', required: true, options: () => options(c, 'ports', p => `${p.device_owner?.startsWith('compute:') ? c.name('servers', p.device_id) : p.name || p.id.slice(0, 8)} · ${addressesOf(p)}`, p => p.id, p => p.fixed_ips?.length && !p.device_owner?.startsWith('network:') && own(p, c.offer)) }], calls: (v, r) => [call('network', 'PUT', `/v2.0/floatingips/${r.id}`, { floatingip: { port_id: v.port } })], cli: (v, r) => osc('floating ip set', { port: v.port }, r.id) },
      { id: 'disassociate', label: 'Disassociate', on: 'bulk', when: r => !!r.port_id, text: 'The server is not reachable by this address any more.', calls: (_, r) => [call('network', 'PUT', `/v2.0/floatingips/${r.id}`, { floatingip: { port_id: null } })], cli: (_, r) => osc('floating ip unset --port', {}, r.id) },
      { id: 'forward', label: 'Port forwarding', on: 'row', need: 'network:floating-ip-port-forwarding', when: r => !r.port_id, joins: { ports: lists.ports }, fields: (_, c) => [{ id: 'port', label: 'Port', kind: 'select', required: true, options: () => options(c, 'ports', p => `${p.name || addressesOf(p)}`, p => p.id, p => p.fixed_ips?.length && own(p, c.offer)) }, { id: 'protocol', label: 'Protocol', kind: 'select', required: true, options: () => ['tcp', 'udp'].map(x => ({ value: x, label: x })) }, { id: 'outside', label: 'External port', kind: 'number', required: true, min: 1, max: 65535 }, { id: 'inside', label: 'Internal port', kind: 'number', required: true, min: 1, max: 65535 }],
        calls: (v, r, c) => [call('network', 'POST', `/v2.0/floatingips/${r.id}/port_forwardings`, { port_forwarding: { protocol: v.protocol, external_port: num(v.outside), internal_port: num(v.inside), internal_port_id: v.port, internal_ip_address: c.find('ports', v.port)?.fixed_ips?.[0]?.ip_address } })], cli: (v, r) => osc('floating ip port forwarding create', { port: v.port, protocol: v.protocol, 'external-protocol-port': v.outside, 'internal-protocol-port': v.inside }, r.id) },
      remove('floatingips', 'floating ip', { label: 'Release floating IP' }),
    ],
    tabs: [{ id: 'forwardings', label: 'Port forwarding', need: 'network:floating-ip-port-forwarding', show: r => <SubList def={forwardings(r.id)} only={() => true} /> }],
  }
}

const forwardings = (fip: string): Resource => ({
  id: 'forwardings', label: 'Port forwarding', one: 'Port forwarding', need: 'network:floating-ip-port-forwarding', noDetails: true, rowName: r => `${r.external_port}/${r.protocol}`, source: () => ({ service: 'network', path: `/v2.0/floatingips/${fip}/port_forwardings`, key: 'port_forwardings', kinds: ['floatingip'] }),
  columns: [{ id: 'outside', label: 'External port', value: r => r.external_port }, { id: 'protocol', label: 'Protocol', value: r => r.protocol }, { id: 'address', label: 'Fixed address', value: r => r.internal_ip_address }, { id: 'inside', label: 'Internal port', value: r => r.internal_port }],
  actions: [remove(`floatingips/${fip}/port_forwardings`, 'floating ip port forwarding')],
})

export const trunks = (place: Place): Resource => ({
  id: 'trunks', label: 'Trunks', one: 'Trunk', need: 'network:trunk', source: () => ({ service: 'network', path: '/v2.0/trunks', key: 'trunks', kinds: ['trunk'] }), joins: { ports: lists.ports }, pick: mine(place),
  columns: [nameColumn(`/${place}/trunks`), status, { id: 'parent', label: 'Parent port', value: (r, c) => c.name('ports', r.port_id) }, { id: 'subports', label: 'Subports', value: (r, c) => (r.sub_ports ?? []).map((s: Row) => `${c.name('ports', s.port_id)} (${s.segmentation_id})`).join(', ') }, upColumn, idColumn],
  actions: [
    { id: 'create', label: 'Create trunk', on: 'table', joins: { ports: lists.ports }, fields: (_, c) => [nameField, { id: 'port', label: 'Parent port', kind: 'select', required: true, options: () => options(c, 'ports', p => p.name || addressesOf(p), p => p.id, p => own(p, c.offer) && !p.device_owner) }, up], calls: v => [call('network', 'POST', '/v2.0/trunks', { trunk: { name: v.name, port_id: v.port, admin_state_up: v.up } })], cli: v => osc('network trunk create', { 'parent-port': v.port, disable: !v.up }, v.name) },
    { id: 'add', label: 'Add subport', on: 'row', joins: { ports: lists.ports }, fields: (_, c) => [{ id: 'port', label: 'Port', kind: 'select', required: true, options: () => options(c, 'ports', p => p.name || addressesOf(p), p => p.id, p => own(p, c.offer) && !p.device_owner) }, { id: 'vlan', label: 'VLAN', kind: 'number', required: true, min: 1, max: 4094 }], calls: (v, r) => [call('network', 'PUT', `/v2.0/trunks/${r.id}/add_subports`, { sub_ports: [{ port_id: v.port, segmentation_type: 'vlan', segmentation_id: num(v.vlan) }] })], cli: (v, r) => osc('network trunk set', { subport: `port=${v.port},segmentation-type=vlan,segmentation-id=${v.vlan}` }, r.id) },
    { id: 'edit', label: 'Edit', on: 'row', fields: r => [{ ...nameField, initial: r.name }, { ...up, initial: !!r.admin_state_up }], calls: (v, r) => [call('network', 'PUT', `/v2.0/trunks/${r.id}`, { trunk: { name: v.name, admin_state_up: v.up } })], cli: (v, r) => osc('network trunk set', { name: v.name }, r.id) },
    remove('trunks', 'network trunk'),
  ],
})

export const qosPolicies: Resource = {
  id: 'qos', label: 'Network QoS', one: 'QoS policy', need: 'network:qos', source: lists.policies,
  columns: [nameColumn('/project/qos'), { id: 'rules', label: 'Rules', value: r => (r.rules ?? []).map((x: Row) => `${x.type} ${x.max_kbps ?? x.min_kbps ?? x.dscp_mark ?? ''} ${x.direction ?? ''}`.trim()).join(', ') }, { id: 'shared', label: 'Shared', value: r => !!r.shared }, descriptionColumn, idColumn],
  actions: [
    { id: 'create', label: 'Create QoS policy', on: 'table', fields: [nameField, descriptionField, { id: 'shared', label: 'Shared with all projects', kind: 'switch' }], calls: v => [call('network', 'POST', '/v2.0/qos/policies', { policy: lean({ name: v.name, description: v.description, shared: v.shared || undefined }) })], cli: v => osc('network qos policy create', { share: v.shared }, v.name) },
    { id: 'rule', label: 'Add rule', on: 'row', fields: [{ id: 'kind', label: 'Kind', kind: 'select', required: true, options: () => ['bandwidth_limit', 'minimum_bandwidth', 'dscp_marking'].map(x => ({ value: x, label: x })) }, { id: 'kbps', label: 'kbit/s', kind: 'number', required: true, min: 1, when: v => v.kind !== 'dscp_marking' }, { id: 'mark', label: 'DSCP mark', kind: 'number', required: true, min: 0, max: 56, when: v => v.kind === 'dscp_marking' }, { id: 'direction', label: 'Direction', kind: 'select', required: true, initial: 'egress', when: v => v.kind !== 'dscp_marking', options: () => ['egress', 'ingress'].map(x => ({ value: x, label: x })) }],
      calls: (v, r) => [call('network', 'POST', `/v2.0/qos/policies/${r.id}/${v.kind}_rules`, { [`${v.kind}_rule`]: v.kind === 'dscp_marking' ? { dscp_mark: num(v.mark) } : { [v.kind === 'bandwidth_limit' ? 'max_kbps' : 'min_kbps']: num(v.kbps), direction: v.direction } })], cli: (v, r) => osc('network qos rule create', { type: v.kind.replace('_', '-'), 'max-kbps': v.kind === 'bandwidth_limit' ? v.kbps : undefined, 'min-kbps': v.kind === 'minimum_bandwidth' ? v.kbps : undefined, 'dscp-mark': v.mark, [v.direction]: !!v.direction }, r.id) },
    remove('qos/policies', 'network qos policy'),
  ],
}

export const rbac: Resource = {
  id: 'rbac', label: 'RBAC policies', one: 'RBAC policy', need: 'network:rbac-policies', noDetails: true, source: () => ({ service: 'network', path: '/v2.0/rbac-policies', key: 'rbac_policies', kinds: ['network'] }), joins: { projects: lists.projects, networks: lists.networks }, rowName: r => `${r.object_type} ${String(r.object_id).slice(0, 8)}`,
  columns: [{ id: 'type', label: 'Kind', value: r => r.object_type }, { id: 'object', label: 'Object', value: (r, c) => c.name('networks', r.object_id) }, { id: 'action', label: 'Action', value: r => r.action }, { id: 'target', label: 'Target project', value: (r, c) => r.target_tenant === '*' ? t('all') : c.name('projects', r.target_tenant ?? r.target_project) }, { id: 'project', label: 'Project', value: (r, c) => c.name('projects', r.project_id) }, idColumn],
  facets: ['type', 'action'],
  actions: [
    { id: 'create', label: 'Create RBAC policy', on: 'table', joins: { networks: lists.networks, projects: lists.projects }, fields: (_, c) => [{ id: 'kind', label: 'Kind', kind: 'select', required: true, initial: 'network', options: () => [{ value: 'network', label: t('Network') }, { value: 'security_group', label: t('Security group') }, { value: 'subnetpool', label: t('Subnet pool') }, { value: 'address_scope', label: t('Address scope') }] }, { id: 'network', label: 'Network', kind: 'select', required: true, when: v => v.kind === 'network', options: () => options(c, 'networks') }, { id: 'object', label: 'Object ID', required: true, when: v => v.kind !== 'network' }, { id: 'action', label: 'Action', kind: 'select', required: true, initial: 'access_as_shared', options: (_, v) => ['access_as_shared', ...(v.kind === 'network' ? ['access_as_external'] : [])].map(x => ({ value: x, label: x })) }, { id: 'target', label: 'Target project', kind: 'select', required: true, initial: '*', options: () => [{ value: '*', label: t('all') }, ...options(c, 'projects')] }],
      calls: v => [call('network', 'POST', '/v2.0/rbac-policies', { rbac_policy: { object_type: v.kind, object_id: v.network ?? v.object, action: v.action, target_tenant: v.target } })], cli: v => osc('network rbac create', { type: v.kind, action: v.action, ...(v.target === '*' ? { 'target-all-projects': true } : { 'target-project': v.target }) }, v.network ?? v.object) },
    { id: 'edit', label: 'Edit', on: 'row', joins: { projects: lists.projects }, fields: (r, c) => [{ id: 'target', label: 'Target project', kind: 'select', required: true, initial: r.target_tenant, options: () => [{ value: '*', label: t('all') }, ...options(c, 'projects')] }], calls: (v, r) => [call('network', 'PUT', `/v2.0/rbac-policies/${r.id}`, { rbac_policy: { target_tenant: v.target } })], cli: (v, r) => osc('network rbac set', { 'target-project': v.target }, r.id) },
    remove('rbac-policies', 'network rbac'),
  ],
}
