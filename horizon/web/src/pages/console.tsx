// A guest's screen in the page.
import RFB from '@novnc/novnc'
import { Button } from '@patternfly/react-core'
import { useEffect, useRef, useState } from 'react'
import { root, send } from '../core/api'
import type { Row } from '../core/resource'
import { t, type Key } from '../i18n'
import { Failure, Nothing } from '../ui/parts'

/** The token of a console's address: ?path=%3Ftoken%3D…, or ?token=…. */
export function tokenOf(url: string): string {
  const u = new URL(url, location.href)
  const direct = u.searchParams.get('token')
  return direct ?? new URL(u.searchParams.get('path') ?? '', 'http://x').searchParams.get('token') ?? ''
}

export default function Console({ server }: { server: Row }) {
  const box = useRef<HTMLDivElement>(null)
  const rfb = useRef<RFB | null>(null)
  const [state, setState] = useState<Key>('Connecting')
  const [error, setError] = useState<unknown>()
  const [n, again] = useState(0)
  const on = ['ACTIVE', 'PAUSED', 'RESCUE', 'REBOOT', 'HARD_REBOOT'].includes(server.status)
  useEffect(() => {
    if (!on) return
    let over = false
    setError(undefined)
    setState('Connecting')
    send({ service: 'compute', method: 'POST', path: `/v2.1/servers/${server.id}/remote-consoles`, body: { remote_console: { protocol: 'vnc', type: 'novnc' } } }).then(b => {
      if (over) return
      const ws = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${root}/console?token=${encodeURIComponent(tokenOf(b.remote_console.url))}`
      const r = new RFB(box.current!, ws, { wsProtocols: ['binary'] })
      r.scaleViewport = true
      r.background = '#000'
      r.addEventListener('connect', () => { setState('Connected'); r.focus() })
      r.addEventListener('disconnect', () => { if (!over) setState('Disconnected') })
      rfb.current = r
    }).catch(e => { if (!over) setError(e) })
    return () => { over = true; rfb.current?.disconnect(); rfb.current = null }
  }, [server.id, on, n])
  if (!on) return <Nothing title={t('The server is not running')} text={t('Start it to see its screen.')} />
  return (
    <div className="console">
      <div className="console-bar">
        <span role="status" data-state={state}>{t(state)}</span>
        <Button size="sm" variant="secondary" onClick={() => rfb.current?.sendCtrlAltDel()} isDisabled={state !== 'Connected'}>Ctrl+Alt+Del</Button>
        <Button size="sm" variant="secondary" onClick={() => box.current?.requestFullscreen?.()}>{t('Full screen')}</Button>
        {state === 'Disconnected' && <Button size="sm" onClick={() => again(n + 1)}>{t('Connect again')}</Button>}
      </div>
      {error !== undefined && <Failure error={error} retry={() => again(n + 1)} />}
      <div ref={box} className="screen" />
    </div>
  )
}
