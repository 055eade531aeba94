// What many declarations share.
import type { Call, Method, Service } from '../core/api'
import type { Column, Ctx, Field, Option, Row, Source } from '../core/resource'
import { Ago, Id, Status, Thing } from '../ui/parts'
import type { Key } from '../i18n'

export type Place = 'project' | 'admin' | 'identity'

export const call = (service: Service, method: Method, path: string, body?: unknown): Call => ({ service, method, path, ...(body === undefined ? {} : { body }) })

export const nameColumn = (at: string, label: Key = 'Name'): Column => ({ id: 'name', label, value: r => r.name || r.id, show: r => <Thing to={at} id={r.id} name={r.name} /> })
export const idColumn: Column = { id: 'id', label: 'ID', value: r => r.id, show: r => <Id of={r.id} />, off: true }
export const statusColumn: Column = { id: 'status', label: 'Status', value: r => r.status, show: r => <Status of={r.status} />, width: '11rem' }
export const created: Column = { id: 'created', label: 'Created', value: r => r.created_at, show: r => <Ago at={r.created_at} />, width: '10rem' }
export const projectColumn: Column = { id: 'project', label: 'Project', value: (r, c) => c.name('projects', r.project_id ?? r.tenant_id ?? r.owner) }
export const descriptionColumn: Column = { id: 'description', label: 'Description', value: r => r.description, off: true }

export const nameField: Field = { id: 'name', label: 'Name', required: true }
export const anyName: Field = { id: 'name', label: 'Name' }
export const descriptionField: Field = { id: 'description', label: 'Description' }

/** Without what is empty, so that the service's defaults hold. */
export function lean<T extends Record<string, unknown>>(o: T): Partial<T> {
  return Object.fromEntries(Object.entries(o).filter(([, v]) => v !== '' && v !== undefined && v !== null && !(Array.isArray(v) && v.length === 0))) as Partial<T>
}
export const num = (v: unknown) => v === '' || v === undefined || v === null ? undefined : Number(v)
export const lines = (v: unknown) => String(v ?? '').split(/[\n,]+/).map(s => s.trim()).filter(Boolean)
export const pairs = (v: Record<string, string>) => Object.entries(v ?? {}).filter(([k]) => k).map(([k, x]) => `${k}=${x}`)
export const cleanPairs = (v: Record<string, string>) => Object.fromEntries(Object.entries(v ?? {}).filter(([k]) => k))

export const options = (c: Ctx, join: string, label: (r: Row) => string = r => r.name || r.id, value: (r: Row) => string = r => String(r.id), pick?: (r: Row) => boolean): Option[] =>
  c.rows(join).filter(r => !pick || pick(r)).map(r => ({ value: value(r), label: label(r) })).sort((a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }))

// Lists that several pages use.
const src = (service: Service, path: string, key: string, kinds: string[], need?: string) => (): Source => ({ service, path, key, kinds, ...(need ? { need } : {}) })
export const lists = {
  servers: src('compute', '/v2.1/servers/detail?limit=1000', 'servers', ['server']),
  allServers: src('compute', '/v2.1/servers/detail?all_tenants=1&limit=1000', 'servers', ['server']),
  flavors: src('compute', '/v2.1/flavors/detail', 'flavors', ['flavor']),
  allFlavors: src('compute', '/v2.1/flavors/detail?is_public=None', 'flavors', ['flavor']),
  keys: (): Source => ({ service: 'compute', path: '/v2.1/os-keypairs', key: 'keypairs', kinds: ['keypair'], map: r => ({ ...(r.keypair ?? r), id: (r.keypair ?? r).name }) }),
  serverGroups: src('compute', '/v2.1/os-server-groups', 'server_groups', ['server_group'], 'compute:os-server-groups'),
  zones: (): Source => ({ service: 'compute', path: '/v2.1/os-availability-zone', key: 'availabilityZoneInfo', kinds: ['host'], map: r => ({ id: r.zoneName, name: r.zoneName, ...r }) }),
  hypervisors: src('compute', '/v2.1/os-hypervisors/detail', 'hypervisors', ['host']),
  services: src('compute', '/v2.1/os-services', 'services', ['host']),
  images: src('image', '/v2/images?limit=1000', 'images', ['image']),
  volumes: src('volume', '/v3/volumes/detail?limit=1000', 'volumes', ['volume', 'attachment']),
  allVolumes: src('volume', '/v3/volumes/detail?all_tenants=1&limit=1000', 'volumes', ['volume', 'attachment']),
  snapshots: src('volume', '/v3/snapshots/detail', 'snapshots', ['snapshot']),
  allSnapshots: src('volume', '/v3/snapshots/detail?all_tenants=1', 'snapshots', ['snapshot']),
  backups: src('volume', '/v3/backups/detail', 'backups', ['backup']),
  types: src('volume', '/v3/types', 'volume_types', ['volume_type']),
  groupTypes: src('volume', '/v3/group_types', 'group_types', ['group_type']),
  volumeGroups: src('volume', '/v3/groups/detail', 'groups', ['volume_group']),
  volumeZones: (): Source => ({ service: 'volume', path: '/v3/os-availability-zone', key: 'availabilityZoneInfo', kinds: ['host'], map: r => ({ id: r.zoneName, name: r.zoneName }) }),
  networks: src('network', '/v2.0/networks?limit=1000', 'networks', ['network', 'subnet']),
  subnets: src('network', '/v2.0/subnets?limit=1000', 'subnets', ['subnet']),
  ports: src('network', '/v2.0/ports?limit=1000', 'ports', ['port']),
  routers: src('network', '/v2.0/routers?limit=1000', 'routers', ['router'], 'network:router'),
  floatingIps: src('network', '/v2.0/floatingips?limit=1000', 'floatingips', ['floatingip'], 'network:router'),
  groups: src('network', '/v2.0/security-groups?limit=1000', 'security_groups', ['security_group', 'security_group_rule'], 'network:security-group'),
  policies: src('network', '/v2.0/qos/policies', 'policies', ['qos_policy'], 'network:qos'),
  subnetPools: src('network', '/v2.0/subnetpools', 'subnetpools', ['subnetpool'], 'network:subnet_allocation'),
  projects: src('identity', '/v3/projects', 'projects', ['project']),
  users: src('identity', '/v3/users', 'users', ['user']),
  userGroups: src('identity', '/v3/groups', 'groups', ['group']),
  roles: src('identity', '/v3/roles', 'roles', ['role']),
  domains: src('identity', '/v3/domains', 'domains', ['domain']),
}

/** Only what is the project's own: administrators are shown everybody's. */
export const own = (r: Row, o: { project: string }) => !o.project || (r.project_id ?? r.tenant_id ?? r.owner ?? r['os-vol-tenant-attr:tenant_id']) === o.project

export const cidr = (v: string): Key | undefined => /^[0-9a-fA-F:.]+\/\d{1,3}$/.test(v) ? undefined : 'An address and a prefix length are wanted, for example 10.0.0.0/24.'
export const ip = (v: string): Key | undefined => /^(\d{1,3}\.){3}\d{1,3}$/.test(v) || /^[0-9a-fA-F:]*:[0-9a-fA-F:.]+$/.test(v) ? undefined : 'An address is wanted, for example 10.0.0.1.'
export const mac = (v: string): Key | undefined => /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(v) ? undefined : 'A MAC address is wanted, for example fa:16:3e:00:00:01.'
