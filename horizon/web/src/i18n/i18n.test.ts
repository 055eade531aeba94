import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { change } from '../core/settings'
import { t, type Key } from './index'
import { zh } from './zh'

const files = (dir: string): string[] => readdirSync(dir, { withFileTypes: true }).flatMap(e => e.isDirectory() ? files(join(dir, e.name)) : /\.tsx?$/.test(e.name) && !/\.test\.|zh\.ts$/.test(e.name) ? [join(dir, e.name)] : [])
const sources = files('src').map(f => readFileSync(f, 'utf8')).join('\n')
const holes = (s: string) => [...s.matchAll(/\{\w+\}/g)].map(m => m[0]).sort().join()

describe('the two languages', () => {
  it('have every text, in Chinese too', () => {
    for (const [en, cn] of Object.entries(zh)) {
      expect(cn, en).not.toBe('')
      if (!/^(ID|IP|DHCP|DNS|MTU|SNAT|VLAN|RBAC|QoS|kbit|CSV|vCPUs)/.test(en)) expect(cn, en).toMatch(/[\u4e00-\u9fff]/)
    }
  })
  it('fill the same holes', () => { for (const [en, cn] of Object.entries(zh)) expect(holes(cn), en).toBe(holes(en)) })
  it('have no text that no page uses', () => {
    for (const en of Object.keys(zh)) expect([`'${en.replace(/'/g, "\\'")}'`, `"${en}"`].some(q => sources.includes(q)), en).toBe(true)
  })
  it('switch', () => {
    change({ language: 'zh-CN' })
    expect(t('Servers' as Key)).toBe('云主机')
    expect(t('of {n}', { n: 5 })).toContain('5')
    expect(document.documentElement.lang).toBe('zh-CN')
    change({ language: 'en' })
    expect(t('Servers' as Key)).toBe('Servers')
  })
})
