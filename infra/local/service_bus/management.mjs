// Requests of clients to `$cbs` and to a queue's `/$management`.
//
// After "AMQP 1.0 in Service Bus: request-response-based operations", as far as the Azure SDK needs them for queues.

import rhea from "rhea";

import { readMessage, writeMessage } from "./messages.mjs";

const { types } = rhea;

const STATUS_TEXTS = {
  404: "There is no such message.",
  410: "The lock has ended.",
  501: "The loopback broker has no such operation.",
};

/** Each takes a queue and a request's body: `[status code, body of the answer]`. */
const OPERATIONS = {
  "com.microsoft:renew-lock": (queue, body) => {
    const ends = lockTokens(body).map((token) => queue.renewLock(token));
    if (ends.includes(null)) return [410];
    const expirations = ends.map((end) => end * 1000);
    return [200, { expirations: types.wrap_array(expirations, types.Timestamp.typecode) }];
  },

  "com.microsoft:peek-message": (queue, body) => {
    const found = queue.peekMessages(body["from-sequence-number"], body["message-count"]);
    if (!found.length) return [204];
    return [200, { messages: found.map((stored) => ({ message: writeMessage(stored) })) }];
  },

  "com.microsoft:schedule-message": (queue, body) => {
    const numbers = body.messages.map(({ message }) => queue.sendMessage(readMessage(message)) ?? 0);
    return [200, { "sequence-numbers": types.wrap_array(numbers, types.Long.typecode) }];
  },

  "com.microsoft:cancel-scheduled-message": (queue, body) => {
    const cancelled = body["sequence-numbers"].map((number) => queue.cancelMessage(number));
    return [cancelled.every(Boolean) ? 200 : 404];
  },

  // A receiver settles what it has received over another link than the present one.
  "com.microsoft:update-disposition": (queue, body) => {
    const settle = {
      completed: (token) => queue.completeMessage(token),
      abandoned: (token) => queue.abandonMessage(token),
      suspended: (token) =>
        queue.deadLetterMessage(token, body["deadletter-reason"], body["deadletter-description"]),
    }[body["disposition-status"]];
    if (!settle) return [501];
    return [lockTokens(body).map(settle).every(Boolean) ? 200 : 410];
  },
};

const lockTokens = (body) => body["lock-tokens"].map(rhea.uuid_to_string);

/** The answer to a request. Every client may come in: only programs of this machine reach the loopback. */
export function answerRequest(broker, address, request) {
  const operation = OPERATIONS[request.application_properties?.operation];
  let [status, body] = [501];
  if (address.endsWith("$cbs")) status = 200;
  else if (operation) [status, body] = operation(broker.queue(address.replace("/$management", "")), request.body);
  const text = STATUS_TEXTS[status] ?? "OK";
  const properties = {
    "status-code": status,
    statusCode: status,
    "status-description": text,
    statusDescription: text,
  };
  if (status === 410) properties.errorCondition = types.wrap_symbol("com.microsoft:message-lock-lost");
  return { correlation_id: request.message_id, application_properties: properties, body };
}
