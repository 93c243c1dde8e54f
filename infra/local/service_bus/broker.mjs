// `node broker.mjs FILE PORT LOCK_SECONDS`: stands in for Azure Service Bus on this machine, until it is told to end.
//
// FILE keeps the messages from one run to the next; port 0 is any free one. The wire is rhea's, the queues are ours.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

import rhea from "rhea";

import { answerRequest } from "./management.mjs";
import { BATCH_FORMAT, LARGEST_MESSAGE, readBatch, writeMessage } from "./messages.mjs";
import { Broker } from "./queues.mjs";

const TICK_MILLISECONDS = 50;
const LARGEST_FRAME = 65_536;
const MOST_UNSETTLED_DELIVERIES = 100_000; // of a session; rhea's own limit of 2,048 is soon reached by lost locks
const PRESETTLED = 1;
const ACCEPTED = rhea.message.accepted().described();

const [file, port, lockSeconds] = process.argv.slice(2);
const broker = new Broker({ lockSeconds: Number(lockSeconds) });
const container = rhea.create_container({
  id: "heed",
  autoaccept: false,
  treat_modified_as_released: false,
  tcp_no_delay: true,
});
const consumers = new Set(); // senders of rhea: the ends at which receivers get messages

const anyone = () => ({ start() { this.outcome = true; } });
for (const mechanism of ["ANONYMOUS", "MSSBCBS", "EXTERNAL", "PLAIN"]) {
  container.sasl_server_mechanisms[mechanism] = anyone;
}

/** `queue`, from `amqps://host/Queue`. */
const queueAddress = (terminus) => terminus.address.replace(/^amqps?:\/\/[^/]+\//, "").toLowerCase();

const isManagement = (address) => address.endsWith("$cbs") || address.endsWith("/$management");

container.on("sender_open", ({ sender }) => {
  const address = openLink(sender, sender.source);
  if (isManagement(address)) sender.local.attach.snd_settle_mode = PRESETTLED;
  else consumers.add(sender);
});

container.on("receiver_open", ({ receiver }) => openLink(receiver, receiver.target));

/** Answer an attach with the client's own wishes; returns the address of the link. */
function openLink(link, terminus) {
  const { source, target, snd_settle_mode, rcv_settle_mode } = link;
  Object.assign(link.local.attach, { snd_settle_mode, rcv_settle_mode, max_message_size: LARGEST_MESSAGE });
  link.set_source({ address: source.address });
  link.set_target({ address: target.address });
  link.heed = { address: queueAddress(terminus) };
  return link.heed.address;
}

container.on("message", ({ receiver, message, delivery }) => {
  const { address } = receiver.heed;
  const messages = delivery.format === BATCH_FORMAT ? readBatch(message) : [message];
  if (messages.reduce((size, each) => size + rhea.message.encode(each).length, 0) > LARGEST_MESSAGE) {
    const description = `A message has ${LARGEST_MESSAGE} bytes at most.`;
    settle(delivery, refusal("amqp:link:message-size-exceeded", description));
    return;
  }
  if (isManagement(address)) {
    const answer = answerRequest(broker, address, message);
    receiver.session.find_sender((link) => link.heed?.address === address)?.send(answer);
  } else {
    for (const each of messages) broker.queue(address).sendMessage(each);
  }
  settle(delivery, ACCEPTED);
});

container.on("sendable", deliverSoon);
broker.onReady = deliverSoon;

let delivering = null;

/** Deliver once rhea has written what it was given before: until then its credits are not right. */
function deliverSoon() {
  delivering ??= setImmediate(() => {
    delivering = null;
    for (const consumer of consumers) {
      if (consumer.is_open()) deliverTo(consumer);
      else consumers.delete(consumer);
    }
  });
}

function deliverTo(consumer) {
  const queue = broker.queue(consumer.heed.address);
  for (let credit = consumer.credit; credit > 0 && consumer.sendable(); credit--) {
    const lock = queue.lockNext();
    if (!lock) return;
    const delivery = consumer.send(writeMessage(lock.stored, lock.until), lockTag(lock.token), 0);
    if (delivery.settled) queue.completeMessage(lock.token);
    else delivery.heed = { queue, token: lock.token };
  }
}

/** A lock token as the tag of a delivery, which has the bytes of a .NET Guid. */
function lockTag(token) {
  const bytes = rhea.string_to_uuid(token);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

const OUTCOMES = {
  accepted: (queue, token) => queue.completeMessage(token),
  released: (queue, token) => queue.releaseMessage(token),
  modified: (queue, token) => queue.abandonMessage(token),
  rejected: (queue, token, { error }) => {
    const { DeadLetterReason: reason, DeadLetterErrorDescription: description } = error?.info ?? {};
    return queue.deadLetterMessage(token, reason, description);
  },
};

for (const [outcome, apply] of Object.entries(OUTCOMES)) {
  container.on(outcome, ({ delivery }) => {
    if (!delivery.heed) return;
    const { queue, token } = delivery.heed;
    const isDone = apply(queue, token, delivery.remote_state);
    if (delivery.remote_settled) return;
    // The same outcome says that it is done. An error in it would say that it is not.
    const done = rhea.message[outcome]({}).described();
    settle(delivery, isDone ? done : refusal("com.microsoft:message-lock-lost", "The lock has ended."));
  });
}

/** Settle each delivery in a turn of its own: rhea gives two neighbors of one turn the outcome of the first. */
function settle(delivery, outcome) {
  setImmediate(() => {
    delivery.update(true, outcome);
    delivery.remote_settled = true; // the client says no more of it, and rhea is to forget it
  });
}

/** With an `info`, though it is empty: the SDK counts on its place. */
const refusal = (condition, description) =>
  rhea.message.rejected({ error: { condition, description, info: {} } }).described();

// A client that goes, or that says what cannot be understood, is cut off by rhea; its locks last until they end.
container.on("disconnected", () => {});
for (const event of ["protocol_error", "error"]) {
  container.on(event, (error) => console.warn(`A client was not understood: ${error.message}`));
}

if (existsSync(file)) broker.loadMessages(JSON.parse(readFileSync(file, "utf8")));

const server = container.listen({
  host: "127.0.0.1",
  port: Number(port),
  max_frame_size: LARGEST_FRAME,
  session_buffer_size: { outgoing: MOST_UNSETTLED_DELIVERIES },
});
server.on("listening", () => console.log(`Service Bus listens at 127.0.0.1:${server.address().port}`));
setInterval(() => broker.tick(), TICK_MILLISECONDS);

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    const partial = `${file}.${process.pid}`;
    writeFileSync(partial, JSON.stringify(broker.dumpMessages()), { mode: 0o600 });
    renameSync(partial, file);
    process.exit(0);
  });
}
