// All panels, and where they are in the menu.
import { lazy, type ComponentType } from 'react'
import type { Resource } from './core/resource'
import type { Offer } from './core/session'
import type { Key } from './i18n'
import * as admin from './things/admin'
import * as identity from './things/identity'
import { images } from './things/images'
import * as net from './things/networks'
import { flavorsSeen, keyPairs, serverGroups, servers } from './things/servers'
import * as vol from './things/volumes'

const page = (f: () => Promise<{ default: ComponentType }>) => lazy(f)

export interface Panel { id: string; label: Key; group: Key; def?: Resource; page?: ComponentType; need?: string; keys?: string; hidden?: boolean }
export interface Dashboard { id: 'project' | 'admin' | 'identity'; label: Key; panels: Panel[]; shown: (o: Offer) => boolean }

const of = (group: Key, def: Resource, keys?: string): Panel => ({ id: def.id, label: def.label, group, def, need: def.need, keys })

export const dashboards: Dashboard[] = [
  { id: 'project', label: 'Project', shown: o => !!o.project, panels: [
    { id: 'overview', label: 'Overview', group: 'Compute', page: page(() => import('./pages/overview')), keys: 'o' },
    of('Compute', servers('project'), 's'),
    { id: 'launch', label: 'Launch server', group: 'Compute', page: page(() => import('./pages/launch')), need: 'compute', hidden: true },
    of('Compute', flavorsSeen), of('Compute', images('project'), 'i'), of('Compute', keyPairs, 'k'), of('Compute', serverGroups),
    of('Volumes', vol.volumes('project'), 'v'), of('Volumes', vol.snapshots('project')), of('Volumes', vol.volumeGroups('project')), of('Volumes', vol.groupSnapshots('project')), of('Volumes', vol.backups('project')), of('Volumes', vol.transfers),
    { id: 'topology', label: 'Network topology', group: 'Network', page: page(() => import('./pages/topology')), need: 'network', keys: 't' },
    of('Network', net.networks('project'), 'n'), of('Network', net.subnets('project')), of('Network', net.ports('project'), 'p'), of('Network', net.routers('project'), 'r'), of('Network', net.securityGroups, 'g'), of('Network', net.floatingIps('project'), 'f'), of('Network', net.trunks('project')), of('Network', net.qosPolicies),
    { id: 'api', label: 'API access', group: 'Access', page: page(() => import('./pages/apiaccess')), keys: 'a' },
  ] },
  { id: 'admin', label: 'Administration', shown: o => o.admin, panels: [
    { id: 'overview', label: 'Overview', group: 'System', page: page(() => import('./pages/adminoverview')), keys: 'A' },
    of('Compute', admin.hypervisors, 'h'), of('Compute', admin.aggregates), of('Compute', servers('admin')), of('Compute', admin.flavors), of('Compute', images('admin')),
    of('Volumes', vol.volumes('admin')), of('Volumes', vol.snapshots('admin')), of('Volumes', vol.backups('admin')), of('Volumes', vol.volumeTypes), of('Volumes', vol.volumeQos), of('Volumes', vol.volumeGroups('admin')), of('Volumes', vol.groupSnapshots('admin')), of('Volumes', vol.groupTypes),
    of('Network', net.networks('admin')), of('Network', net.subnets('admin')), of('Network', net.ports('admin')), of('Network', net.routers('admin')), of('Network', net.floatingIps('admin')), of('Network', net.trunks('admin')), of('Network', net.rbac),
    { id: 'defaults', label: 'Default quotas', group: 'System', page: page(() => import('./pages/quotas').then(m => ({ default: m.DefaultQuotas }))) },
    of('System', admin.metadefs),
    { id: 'system', label: 'System information', group: 'System', page: page(() => import('./pages/system')) },
  ] },
  { id: 'identity', label: 'Identity', shown: () => true, panels: [
    of('Identity', identity.projects), ...[identity.users, identity.groups, identity.roles, identity.domains].map(d => of('Identity', d)), of('Identity', identity.appCredentials), of('Identity', identity.credentials),
    of('Federation', identity.providers), of('Federation', identity.mappings),
  ] },
]

const adminOnly = new Set(['users', 'groups', 'roles', 'domains', 'credentials', 'identity-providers', 'mappings'])
export const panelShown = (d: Dashboard, p: Panel, o: Offer) => d.shown(o) && o.has(p.need) && !(d.id === 'identity' && adminOnly.has(p.id) && !o.admin)

export const panelAt = (d: string, p: string) => { const dash = dashboards.find(x => x.id === d); const panel = dash?.panels.find(x => x.id === p); return dash && panel ? { dash, panel } : undefined }
