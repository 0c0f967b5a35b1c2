export interface PageLife {
  /** The page goes: nothing that is waited for comes any more. */
  readonly onLeave: () => void
  /** It may go, and need not come back. */
  readonly onHide: () => void
  readonly onOnline: () => void
}

/** @returns what ends that */
export function watchPage({ onLeave, onHide, onOnline }: PageLife): () => void {
  const hide = (): void => {
    if (document.visibilityState === 'hidden') onHide()
  }
  window.addEventListener('pagehide', onLeave)
  document.addEventListener('visibilitychange', hide)
  window.addEventListener('online', onOnline)
  return () => {
    window.removeEventListener('pagehide', onLeave)
    document.removeEventListener('visibilitychange', hide)
    window.removeEventListener('online', onOnline)
  }
}
