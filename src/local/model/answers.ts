/** The simulator's texts: short answers to the examples of the model's page, and an echo for any other question. */

/** A longer question is no example, whatever words are in it. */
export const EXAMPLE_CHARACTERS_MAX = 200

/** The answer quotes at most this much of a question or of a tool's result. */
export const QUOTE_CHARACTERS_MAX = 500

interface Example {
  readonly question: RegExp
  readonly answer: string
}

const THERMODYNAMICS = `There are a few ways people count the laws of thermodynamics, but a common approach is to focus on these three:

1. First Law of Thermodynamics (Law of Energy Conservation)
 • Energy cannot be created or destroyed—only converted from one form to another. In a closed system, the total energy remains constant.

2. Second Law of Thermodynamics
 • In any natural (irreversible) process, the total entropy of an isolated system increases. This explains why heat flows spontaneously from hot to cold.

3. Third Law of Thermodynamics
 • As the temperature of a system approaches absolute zero (0 Kelvin), the entropy of a perfect crystal approaches zero.

Note: There is also the Zeroth Law of Thermodynamics: if two systems are each in thermal equilibrium with a third system, then they are in thermal equilibrium with each other.`

const PYTHON_JSON = `To read a JSON file in Python, you can use the built-in json module:

--------------------------------------------------
import json

# Open the JSON file and load its content
with open('data.json', 'r') as file:
    data = json.load(file)

# Now 'data' contains the JSON file content as a Python dictionary (or list)
print(data)
--------------------------------------------------

Explanation:
• The with statement ensures that the file is properly closed even if an error occurs.
• json.load(file) parses the JSON content and returns a Python object.`

const ROAD_TRIP = `Great! When planning a road trip along the scenic coast (California's Highway 1), here are some must-see stops between San Francisco and Los Angeles:

1. Santa Cruz: enjoy the laid-back vibe at the Santa Cruz Beach Boardwalk.
2. Monterey & Cannery Row: visit the famous Monterey Bay Aquarium.
3. Carmel-by-the-Sea: art galleries, quaint cafés and a white-sand beach.
4. Big Sur: stop at Bixby Creek Bridge or take in the views from Nepenthe.
5. San Simeon/Hearst Castle: a historic mansion, and elephant seals on the beaches nearby.
6. Santa Barbara (optional): visit the historic Mission or relax at the beach.

Always check for road conditions, especially in Big Sur. Would you like a more detailed itinerary for any of these stops?`

const DETECTIVE = `Detective Elena Marquez stood motionless in the dim glow of the abandoned warehouse, her eyes fixated on a peculiar object half-buried in layers of dust and cobwebs. Amidst scattered papers and defaced photographs, the unusual clue—a small porcelain figurine with an ethereal, almost luminescent crack running down its side—seemed to beckon her closer.

As she carefully lifted the figurine with gloved hands, Elena noted an inscription faintly etched along its base. In that hushed moment, the detective realized that this was no random piece of debris—it was an intentional breadcrumb leading to a truth hidden beneath layers of time and deceit.`

const RECURSION = `Recursion is a technique in programming where a function calls itself to solve a problem. The function breaks the problem into smaller, similar subproblems until it reaches a simple case that can be solved directly—this is known as the base case.

A simple example is calculating the factorial of a number:

  factorial(n) = n × factorial(n-1), with the base case factorial(0) = 1

For example, to compute 3!:
  • factorial(3) = 3 × factorial(2)
  • factorial(2) = 2 × factorial(1)
  • factorial(1) = 1 × factorial(0)
  • factorial(0) = 1 (base case)

Working back up, 3! equals 6.`

const EXAMPLES: readonly Example[] = [
  { question: /three laws of thermodynamics/iu, answer: THERMODYNAMICS },
  { question: /read a json file in python/iu, answer: PYTHON_JSON },
  { question: /good places to stop/iu, answer: ROAD_TRIP },
  { question: /story opening about a detective/iu, answer: DETECTIVE },
  { question: /explain the concept of recursion/iu, answer: RECURSION },
]

/** The text that answers the results of tools or, without any, the question. */
export function answerText(question: string, toolResults: readonly string[]): string {
  if (toolResults.length > 0) return toolAnswer(toolResults)
  const example =
    question.length <= EXAMPLE_CHARACTERS_MAX
      ? EXAMPLES.find((known) => known.question.test(question))
      : undefined
  if (example) return example.answer
  const echo = question.trim() === '' ? 'You asked nothing.' : `You asked: “${quote(question)}”`
  return `This is the offline simulator of o3-mini: no model was called. ${echo}`
}

/** The answer to a request for any JSON object. */
export function answerObject(question: string): string {
  return JSON.stringify({ answer: 'This is the offline simulator of o3-mini.', question: quote(question) })
}

function toolAnswer(results: readonly string[]): string {
  const quoted = results.map((result) => `“${quote(result)}”`).join(' and ')
  return `This is the offline simulator of o3-mini, and the tool answered: ${quoted}.`
}

function quote(text: string): string {
  const trimmed = text.trim()
  if (trimmed.length <= QUOTE_CHARACTERS_MAX) return trimmed
  return `${trimmed.slice(0, QUOTE_CHARACTERS_MAX).replace(/[\uD800-\uDBFF]$/u, '')}…`
}
