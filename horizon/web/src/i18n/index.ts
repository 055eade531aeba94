// Texts: the English sentence is the key, so a text without a translation does not compile.
import { useSyncExternalStore } from 'react'
import { settings, subscribe } from '../core/settings'
import { zh } from './zh'

export type Key = keyof typeof zh
export type Language = 'en' | 'zh-CN'
export const languages: Record<Language, string> = { en: 'English', 'zh-CN': '简体中文' }

export const locale = (): Language => settings().language

/** A text in the language in use; {name} is replaced by with.name. */
export function t(key: Key, values?: Record<string, string | number>): string {
  const text: string = locale() === 'zh-CN' ? zh[key] ?? key : key
  return values ? text.replace(/\{(\w+)\}/g, (all, n) => n in values ? String(values[n]) : all) : text
}

/** Draws again when the language changes. */
export const useLanguage = () => useSyncExternalStore(subscribe, locale)
