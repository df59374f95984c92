/** The five usage examples of the model's page, unchanged. */
export const SEED_EXAMPLES: Record<string, Record<string, unknown>> = {
  simple: { messages: [{ content: 'What are the three laws of thermodynamics?', role: 'user' }] },
  'system message': {
    messages: [
      { content: 'You are a helpful coding assistant specializing in Python.', role: 'system' },
      { content: 'How do I read a JSON file in Python?', role: 'user' },
    ],
  },
  'multi-turn conversation': {
    max_completion_tokens: 8192,
    messages: [
      { content: 'I need help planning a road trip from San Francisco to Los Angeles.', role: 'user' },
      {
        content:
          "I'd be happy to help! The drive is about 380 miles and takes roughly 5-6 hours. Would you like suggestions for scenic routes or interesting stops along the way?",
        role: 'assistant',
      },
      { content: 'Yes, what are some good places to stop?', role: 'user' },
    ],
  },
  'creative writing': {
    max_completion_tokens: 8192,
    messages: [
      { content: 'Write a short story opening about a detective finding an unusual clue.', role: 'user' },
    ],
  },
  streaming: {
    messages: [{ content: 'Explain the concept of recursion with a simple example.', role: 'user' }],
    stream: true,
    stream_options: { include_usage: true },
  },
}

/** Each pattern matches a word that a fitting answer to the example contains. */
export const SEED_ANSWERS: Record<string, RegExp> = {
  simple: /entropy/,
  'system message': /json\.load/,
  'multi-turn conversation': /Santa Cruz|Monterey/,
  'creative writing': /Detective|detective/,
  streaming: /recursion/i,
}
