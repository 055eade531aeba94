import 'uplot/dist/uPlot.min.css'
import { useEffect, useRef } from 'react'
import UPlot from 'uplot'
import { locale, t } from '../i18n'

const colours = ['#0066cc', '#b1380b']

/** Lines over time: the first list is seconds since 1970. */
export default function Chart({ data, names, height = 220 }: { data: readonly (readonly number[])[]; names: string[]; height?: number }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const el = box.current!
    const ink = getComputedStyle(el).color
    const axis = { stroke: ink, grid: { stroke: 'rgba(128,128,128,.25)', width: 1 }, ticks: { stroke: 'rgba(128,128,128,.25)', width: 1 } }
    const p = new UPlot({
      width: el.clientWidth || 600, height, legend: { show: true },
      axes: [{ ...axis, values: (_: unknown, v: number[]) => v.map(s => new Intl.DateTimeFormat(locale(), { month: 'short', day: 'numeric' }).format(s * 1000)) }, axis, { ...axis, side: 1, scale: 'b', grid: { show: false } }],
      series: [{ label: t('Time'), value: (_: unknown, s: number) => s ? new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(s * 1000) : '–' }, ...names.map((label, i) => ({ label, stroke: colours[i], width: 2, scale: i ? 'b' : 'y', fill: i ? undefined : 'rgba(0,102,204,.12)', value: (_: unknown, v: number) => v === undefined || v === null ? '–' : v.toFixed(1) }))],
    }, data as unknown as UPlot.AlignedData, el)
    const o = new ResizeObserver(() => p.setSize({ width: el.clientWidth, height }))
    o.observe(el)
    return () => { o.disconnect(); p.destroy() }
  }, [data, names.join(), height]) // eslint-disable-line react-hooks/exhaustive-deps
  return <div ref={box} className="chart" />
}
