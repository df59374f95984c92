/** The judge of translated streams: the official client, which accumulates a stream and throws on a wrong one. */
import { type Request, wire } from './sources.ts'

/** The client's types would bring those of Node into the Worker's project, so its modules are imported without them. */
async function untyped<Module>(name: string): Promise<Module> {
  return (await import(/* @vite-ignore */ name)) as Module
}

interface Serialized {
  toReadableStream(): ReadableStream
}

const { Stream } = await untyped<{
  Stream: { fromSSEResponse(response: Response, controller: AbortController): Serialized }
}>('openai/streaming')
const { ChatCompletionStream } = await untyped<{
  ChatCompletionStream: {
    fromReadableStream(stream: ReadableStream): { finalChatCompletion(): Promise<unknown> }
  }
}>('openai/lib/ChatCompletionStream')
const { ResponseStream } = await untyped<{
  ResponseStream: { fromReadableStream(stream: ReadableStream): { finalResponse(): Promise<unknown> } }
}>('openai/lib/responses/ResponseStream')

/** The chat completion that the client makes of a stream. */
export async function accumulateChat(stream: string): Promise<Request> {
  return wire(await ChatCompletionStream.fromReadableStream(readable(stream)).finalChatCompletion())
}

/** The response that the client makes of a stream. */
export async function accumulateResponse(stream: string): Promise<Request> {
  return wire(await ResponseStream.fromReadableStream(readable(stream)).finalResponse())
}

function readable(stream: string): ReadableStream {
  return Stream.fromSSEResponse(new Response(stream), new AbortController()).toReadableStream()
}
