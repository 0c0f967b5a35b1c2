export interface PageRequest {
  /** 1 to 500, default 50. */
  readonly limit?: number
  readonly offset?: number
}

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly total: number
  readonly limit: number
  readonly offset: number
}
