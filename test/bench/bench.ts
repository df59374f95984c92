/**
 * `npm run bench`: what the gateway costs beside a bare Worker and beside a naive gateway, all in one run, on Linux.
 *
 *   npm run bench                  some minutes, a table
 *   npm run bench -- --quick       less than a minute, rougher
 *   npm run bench -- --json        all figures as JSON; progress goes to standard error
 *   npm run bench -- --only 'JSON' only scenarios with that in their name
 *   npm run bench -- --write       and puts the table into the README
 */
import { parseArgs } from 'node:util'
import { planOf } from './plan.ts'
import { scenarioLines, summaryTable } from './report.ts'
import { writeReadme } from './readme.ts'
import { runPlan } from './run.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

const results = await runPlan(planOf(options), (scenario) => {
  process.stderr.write(`${scenarioLines(scenario).join('\n')}\n\n`)
})
process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : `${summaryTable(results)}\n`)
if (options.write) await writeReadme(summaryTable(results))
