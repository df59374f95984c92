/** A translation between the two formats: the caller's requests to the upstream, the upstream's answers to the caller. */
import type { ParameterFailure } from '../../failure.ts'
import { field } from '../../wire/field.ts'
import { type AnswerError, answerErrorOf } from './answer-error.ts'
import { answerToChat } from './answer-to-chat.ts'
import { answerToResponses } from './answer-to-responses.ts'
import type { Fields } from './json.ts'
import { chatName, responsesName } from './parameter-names.ts'
import { requestToChat } from './request-to-chat.ts'
import { requestToResponses, type Translated } from './request-to-responses.ts'
import { StreamTranslator } from './stream-translator.ts'
import { ChunkWriter } from './stream-to-chat.ts'
import { EventWriter } from './stream-to-responses.ts'
import { Untranslatable } from './untranslatable.ts'

/** `inputs` are always the caller's: a request's body without `model`, which goes on as it is where it is there. */
export interface Translation {
  /** `efforts` are the reasoning efforts that the model takes, or `null` where they are not known. */
  request(inputs: Fields, efforts: readonly string[] | null): TranslatedRequest
  /** Translates an answer that is no stream. `answer` is its parsed JSON. */
  answer(answer: unknown, inputs: Fields): TranslatedAnswer
  /** Translates the stream of one answer. `toCaller` names the parameter of an error in it; by default nothing is renamed. */
  stream(inputs: Fields, toCaller?: (error: AnswerError) => AnswerError): StreamTranslator
}

export type TranslatedRequest =
  | { translated: false; failure: ParameterFailure }
  | {
      translated: true
      /** The upstream's inputs. */
      inputs: Fields
      /** Makes an error of the upstream name the parameter as the caller does, in `param` and in the message. */
      toCaller: <E extends NamingError>(error: E) => E
    }

/** A response can fail with a 200. Its error is then that of a failed call. */
export type TranslatedAnswer =
  | { translated: true; answer: Fields }
  | { translated: false; error: AnswerError }

export interface NamingError {
  message: string
  param: string | null
}

/** Turns what the upstream says of one request into the caller's format. */
export interface Interpreter {
  /** Names the parameter of an error as the caller does. */
  error: <E extends NamingError>(error: E) => E
  answer(answer: unknown): TranslatedAnswer
  stream(): StreamTranslator
}

/** `inputs` are the caller's. */
export function interpreterOf(
  translation: Translation,
  error: Interpreter['error'],
  inputs: Fields,
): Interpreter {
  return {
    error,
    answer(answer) {
      const translated = translation.answer(answer, inputs)
      return translated.translated ? translated : { translated: false, error: error(translated.error) }
    },
    stream: () => translation.stream(inputs, error),
  }
}

/** The caller speaks chat completions, and the upstream Responses. */
export const chatOverResponses: Translation = {
  request: (inputs, efforts) =>
    translated(
      () => requestToResponses(inputs, efforts),
      (param, { turns }) => chatName(param, inputs, turns),
    ),

  answer(answer) {
    const error = field(answer, 'error')
    if (error != null || field(answer, 'status') === 'failed') {
      return { translated: false, error: answerErrorOf(error) }
    }
    return { translated: true, answer: answerToChat(answer) }
  },

  stream(inputs, toCaller) {
    const includeUsage = field(inputs['stream_options'], 'include_usage') === true
    return new StreamTranslator(
      new ChunkWriter({ includeUsage, includeObfuscation: includesObfuscation(inputs) }),
      toCaller,
    )
  },
}

/** The caller speaks Responses, and the upstream chat completions. */
export const responsesOverChat: Translation = {
  request: (inputs, efforts) =>
    translated(
      () => requestToChat(inputs, efforts),
      (param, { turns }) => responsesName(param, turns),
    ),

  answer(answer, inputs) {
    const error = field(answer, 'error')
    if (error != null) return { translated: false, error: answerErrorOf(error) }
    return { translated: true, answer: answerToResponses(answer, inputs) }
  },

  stream: (inputs, toCaller) =>
    new StreamTranslator(new EventWriter(inputs, includesObfuscation(inputs)), toCaller),
}

function includesObfuscation(inputs: Fields): boolean {
  return field(inputs['stream_options'], 'include_obfuscation') !== false
}

/** The translator's border: what it throws within becomes a value. */
function translated(
  translate: () => Translated,
  nameOf: (param: string, request: Translated) => string,
): TranslatedRequest {
  try {
    const request = translate()
    const toCaller = <E extends NamingError>(error: E): E => {
      const { param, message } = error
      if (param === null) return error
      const name = nameOf(param, request)
      return { ...error, param: name, message: message.replaceAll(`'${param}'`, () => `'${name}'`) }
    }
    return { translated: true, inputs: request.inputs, toCaller }
  } catch (error) {
    if (error instanceof Untranslatable) return { translated: false, failure: error.failure }
    throw error
  }
}
