/**
 * `npm run bench` measures the cost of the gateway, a bare Worker and a naive gateway in one run. It needs Linux. The
 * README beside this file describes the method and the table.
 *
 *   npm run bench                  a quarter of an hour; prints the table
 *   npm run bench -- --quick       about a minute; less precise
 *   npm run bench -- --json        prints all figures as JSON; progress goes to standard error
 *   npm run bench -- --only 'JSON' runs only the scenarios with this text in their name
 *   npm run bench -- --write       also writes the table into README.md
 */
import { parseArgs } from 'node:util'
import { planOf } from './plan.ts'
import { scenarioLines, summaryTable } from './report.ts'
import { writeTable } from './readme.ts'
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
if (options.write) await writeTable(summaryTable(results), 'bench')
