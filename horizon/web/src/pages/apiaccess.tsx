// What programs need to use this cloud.
import { Button, Card, CardBody, CardTitle } from '@patternfly/react-core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { send } from '../core/api'
import { useGet } from '../core/data'
import { quote } from '../core/format'
import { Link } from '../core/router'
import { useCloud, type Session } from '../core/session'
import { t } from '../i18n'
import { failed } from '../ui/notices'
import { Code, Copy, Failure, Id, Waiting } from '../ui/parts'
import { save } from '../ui/table'
import { Heading } from './panel'

export const authUrl = (s: Session) => s.catalog.find(c => c.type === 'identity')?.endpoints.find(e => e.interface === 'public')?.url ?? ''
const yaml = (v: string) => JSON.stringify(v) // a JSON text is a YAML one

export function openrc(s: Session): string {
  const v: Record<string, string> = { OS_AUTH_URL: authUrl(s), OS_USERNAME: s.user.name, OS_USER_DOMAIN_NAME: s.user.domain?.name ?? 'Default', OS_REGION_NAME: s.region, OS_INTERFACE: 'public', OS_IDENTITY_API_VERSION: '3' }
  if (s.project) { v.OS_PROJECT_ID = s.project.id; v.OS_PROJECT_NAME = s.project.name; v.OS_PROJECT_DOMAIN_ID = s.project.domain?.id ?? 'default' }
  return `#!/usr/bin/env bash\n# Use it so:  . ${s.project?.name.replace(/[^\w.-]/g, '_') ?? 'cloud'}-openrc.sh\n${Object.entries(v).map(([k, x]) => `export ${k}=${quote(x)}`).join('\n')}\nread -rsp "Password of $OS_USERNAME: " OS_PASSWORD; echo\nexport OS_PASSWORD\n`
}

export function cloudsYaml(s: Session): string {
  return `clouds:\n  openstack:\n    auth:\n      auth_url: ${yaml(authUrl(s))}\n      username: ${yaml(s.user.name)}\n      user_domain_name: ${yaml(s.user.domain?.name ?? 'Default')}\n${s.project ? `      project_id: ${yaml(s.project.id)}\n      project_name: ${yaml(s.project.name)}\n` : ''}    region_name: ${yaml(s.region)}\n    interface: public\n    identity_api_version: 3\n`
}

export default function ApiAccess() {
  const { session } = useCloud()
  const client = useQueryClient()
  const ec2 = useGet(['credential'], 'identity', `/v3/users/${session.user.id}/credentials/OS-EC2`)
  const [shown, show] = useState<string>()
  const base = (session.project?.name ?? session.user.name).replace(/[^\w.-]/g, '_')
  const make = () => send({ service: 'identity', method: 'POST', path: `/v3/users/${session.user.id}/credentials/OS-EC2`, body: { tenant_id: session.project?.id } }).then(() => client.invalidateQueries({ queryKey: ['credential'] }), e => failed(t('Create EC2 credentials'), e))
  const drop = (access: string) => send({ service: 'identity', method: 'DELETE', path: `/v3/users/${session.user.id}/credentials/OS-EC2/${access}` }).then(() => client.invalidateQueries({ queryKey: ['credential'] }), e => failed(t('Delete'), e))
  return (
    <>
      <Heading title={t('API access')} text={t('All that this dashboard does goes by these APIs.')}>
        <Button variant="secondary" onClick={() => save('clouds.yaml', cloudsYaml(session), 'application/yaml')}>clouds.yaml</Button>
        <Button variant="secondary" onClick={() => save(`${base}-openrc.sh`, openrc(session), 'text/x-shellscript')}>openrc.sh</Button>
      </Heading>
      <Card className="card"><CardTitle component="h2">{t('Endpoints')}</CardTitle><CardBody>
        <table className="pf-v6-c-table pf-m-compact" aria-label={t('Endpoints')}><thead className="pf-v6-c-table__thead"><tr className="pf-v6-c-table__tr"><th scope="col" className="pf-v6-c-table__th">{t('Service')}</th><th scope="col" className="pf-v6-c-table__th">{t('Type')}</th><th scope="col" className="pf-v6-c-table__th">{t('Address')}</th></tr></thead>
          <tbody className="pf-v6-c-table__tbody">{session.catalog.map(c => <tr key={c.id} className="pf-v6-c-table__tr"><td className="pf-v6-c-table__td">{c.name}</td><td className="pf-v6-c-table__td">{c.type}</td><td className="pf-v6-c-table__td">{c.endpoints.filter(e => e.interface === 'public').map(e => <Id key={e.url} of={e.url} />)}</td></tr>)}</tbody></table>
      </CardBody></Card>
      <Card className="card"><CardTitle component="h2">{t('Credentials')}</CardTitle><CardBody>
        <p>{t('User')}: <strong>{session.user.name}</strong> <Id of={session.user.id} /></p>{session.project && <p>{t('Project')}: <strong>{session.project.name}</strong> <Id of={session.project.id} /></p>}
        <p>{t('For programs, application credentials are better than your password.')} <Link to="/identity/application-credentials">{t('Application credentials')}</Link></p>
        <Code label="clouds.yaml">{cloudsYaml(session)}</Code>
      </CardBody></Card>
      <Card className="card"><CardTitle component="h2"><span className="card-head">{t('EC2 credentials')}{session.project && <Button size="sm" variant="secondary" onClick={make}>{t('Create EC2 credentials')}</Button>}</span></CardTitle><CardBody>
        {ec2.error && <Failure error={ec2.error} retry={() => ec2.refetch()} />}{ec2.isPending && <Waiting rows={2} />}
        <ul className="plain">{(ec2.data?.credentials ?? []).map((c: any) => <li key={c.access}><Id of={c.access} /> {shown === c.access ? <><code>{c.secret}</code><Copy text={c.secret} label={t('Copy')} /></> : <Button variant="link" isInline onClick={() => show(c.access)}>{t('Show the secret')}</Button>} <Button variant="link" isInline isDanger onClick={() => drop(c.access)}>{t('Delete')}</Button></li>)}</ul>
        {ec2.data?.credentials?.length === 0 && <p className="soft">{t('There is nothing here yet')}</p>}
      </CardBody></Card>
    </>
  )
}
