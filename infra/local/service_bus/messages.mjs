// Messages as AMQP 1.0 bytes. The annotations are Service Bus's own.

import rhea from "rhea";

/** Message format of a batch: each data section holds one encoded message. */
export const BATCH_FORMAT = 0x80013700;

/** Largest message in bytes, as in the Standard tier. */
export const LARGEST_MESSAGE = 256 * 1024;

const { message: codec, types } = rhea;

// rhea reads the longer of the two encodings of a boolean as a number.
types.by_code[types.Boolean.typecode].read = (bytes, place) => bytes[place] === 1;

/** The message in the bytes. Throws on bytes that are no message. */
export const readMessage = (bytes) => codec.decode(bytes);

/** The messages in a batch. */
export function readBatch(bytes) {
  const body = codec.decode(bytes).body;
  return (body.multiple ? body.content : [body.content]).map(readMessage);
}

/** The bytes that a receiver gets for a stored message; `lockedUntil` in seconds since 1970. */
export function writeMessage({ message, sequence, enqueued, deliveries }, lockedUntil) {
  const annotations = {
    ...message.message_annotations,
    "x-opt-sequence-number": types.wrap_long(sequence),
    "x-opt-enqueued-time": new Date(enqueued * 1000),
  };
  if (lockedUntil !== undefined) annotations["x-opt-locked-until"] = new Date(lockedUntil * 1000);
  return codec.encode({ ...message, message_annotations: annotations, delivery_count: deliveries });
}

/** Seconds since 1970 at which the sender wants the message to show; undefined for at once. */
export function scheduledTime(message) {
  const at = message.message_annotations?.["x-opt-scheduled-enqueue-time"];
  return at && at.getTime() / 1000;
}
