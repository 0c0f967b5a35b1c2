/** That a row may go with a column, and what that is worth: more than 0. */
export interface Edge {
  readonly row: number
  readonly column: number
  readonly weight: number
}

/** Above this the best edges are taken first: the exact answer takes time with the cube of it. */
const largestExact = 200

/**
 * Each row with at most one column, and each column with at most one row, so that the sum of the weights is the largest.
 * What does not hang together is looked at apart.
 */
export function assign(edges: readonly Edge[]): readonly Edge[] {
  return components(edges).flatMap((component) => {
    const rows = [...new Set(component.map(({ row }) => row))]
    const columns = [...new Set(component.map(({ column }) => column))]
    if (rows.length === 1 || columns.length === 1) return [heaviest(component)]
    return Math.max(rows.length, columns.length) > largestExact ? greedy(component) : exact(component, rows, columns)
  })
}

function heaviest(edges: readonly Edge[]): Edge {
  return edges.reduce((best, edge) => (edge.weight > best.weight ? edge : best))
}

function components(edges: readonly Edge[]): readonly (readonly Edge[])[] {
  const parents = new Map<string, string>()
  const rootOf = (name: string): string => {
    let root = name
    for (let next = parents.get(root); next !== undefined && next !== root; next = parents.get(root)) root = next
    for (let at = name; at !== root;) {
      const next = parents.get(at) ?? root
      parents.set(at, root)
      at = next
    }
    return root
  }
  for (const { row, column } of edges) parents.set(rootOf(`row ${row}`), rootOf(`column ${column}`))
  return [...Map.groupBy(edges, ({ row }) => rootOf(`row ${row}`)).values()]
}

function greedy(edges: readonly Edge[]): readonly Edge[] {
  const rows = new Set<number>()
  const columns = new Set<number>()
  return edges
    .toSorted((a, b) => b.weight - a.weight)
    .filter(({ row, column }) => {
      if (rows.has(row) || columns.has(column)) return false
      rows.add(row)
      columns.add(column)
      return true
    })
}

/** The Hungarian method with potentials: one row after the other, each by the cheapest way to a column that is free. */
function exact(edges: readonly Edge[], rows: readonly number[], columns: readonly number[]): readonly Edge[] {
  const rowAt = new Map(rows.map((row, at) => [row, at]))
  const columnAt = new Map(columns.map((column, at) => [column, at]))
  // One column of its own for each row, that costs nothing: to go with none.
  const width = columns.length + rows.length
  const cost = rows.map(() => new Float64Array(width))
  const edgeAt = new Map<number, Edge>()
  for (const edge of edges) {
    const row = rowAt.get(edge.row) as number
    const column = columnAt.get(edge.column) as number
    const known = edgeAt.get(row * width + column)
    if (known !== undefined && known.weight >= edge.weight) continue
    edgeAt.set(row * width + column, edge)
    ;(cost[row] as Float64Array)[column] = -edge.weight
  }
  const taken = cheapest(cost, width)
  return taken.flatMap((row, column) => (row === null ? [] : (edgeAt.get(row * width + column) ?? [])))
}

/** @returns for each column the row that goes with it; a cost of 0 is no pair */
function cheapest(cost: readonly Float64Array[], width: number): readonly (number | null)[] {
  // Column 0 stands for the row that is being placed; all others are counted from 1.
  const rowPotential = new Float64Array(cost.length + 1)
  const columnPotential = new Float64Array(width + 1)
  const rowOf = new Int32Array(width + 1)
  for (let row = 1; row <= cost.length; row += 1) {
    rowOf[0] = row
    const before = new Int32Array(width + 1)
    const least = new Float64Array(width + 1).fill(Infinity)
    const used = new Uint8Array(width + 1)
    let column = 0
    while (rowOf[column] !== 0) {
      used[column] = 1
      const current = rowOf[column] as number
      const costs = cost[current - 1] as Float64Array
      let delta = Infinity
      let next = 0
      for (let other = 1; other <= width; other += 1) {
        if (used[other] === 1) continue
        const reduced =
          (costs[other - 1] as number) - (rowPotential[current] as number) - (columnPotential[other] as number)
        if (reduced < (least[other] as number)) {
          least[other] = reduced
          before[other] = column
        }
        if ((least[other] as number) < delta) {
          delta = least[other] as number
          next = other
        }
      }
      for (let other = 0; other <= width; other += 1) {
        if (used[other] === 1) {
          const placed = rowOf[other] as number
          rowPotential[placed] = (rowPotential[placed] as number) + delta
          columnPotential[other] = (columnPotential[other] as number) - delta
        } else least[other] = (least[other] as number) - delta
      }
      column = next
    }
    while (column !== 0) {
      const from = before[column] as number
      rowOf[column] = rowOf[from] as number
      column = from
    }
  }
  return Array.from({ length: width }, (_, at) => (rowOf[at + 1] === 0 ? null : (rowOf[at + 1] as number) - 1))
}
