#!/usr/bin/env node
// Before any import: below Node 22 the SQLite addon ends the process without a word.
const needed = 22
const major = Number(process.versions.node.split('.')[0])
if (major < needed) {
  console.error(`everdraft needs Node.js ${needed} or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
const { main } = await import('../dist/main.js')
process.exitCode = await main(process.argv.slice(2))
