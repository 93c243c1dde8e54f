// The broker's queues in memory: what Service Bus promises of a queue without sessions.
//
// Peek-lock with expiry, scheduled messages, duplicate detection by message id, and a sub-queue of dead letters.
// All times are seconds since 1970.

import { randomUUID } from "node:crypto";

import { readMessage, scheduledTime, writeMessage } from "./messages.mjs";

const DEAD_LETTERS = "/$deadletterqueue";

/** Settings of every queue here; on Service Bus each queue has its own. */
const SETTINGS = { lockSeconds: 30, mostDeliveries: 10, duplicateWindowSeconds: 600 };

/**
 * One queue or sub-queue.
 *
 * A stored message is `{message, sequence, enqueued, due, deliveries}`: `due` is when the message shows, `deliveries`
 * how often a receiver gave it back.
 */
class Queue {
  #broker;
  #ready = []; // stored messages in the order of their sequence numbers
  #scheduled = [];
  #locked = new Map(); // lock token -> {stored, until}
  #seen = new Map(); // message id -> when it was sent

  constructor(name, broker) {
    this.name = name;
    this.#broker = broker;
  }

  /** Store a message from a sender: its sequence number, or null for a duplicate, which is dropped. */
  sendMessage(message) {
    const now = this.#broker.now();
    const id = message.message_id;
    if (id !== undefined) {
      if (this.#seen.get(id) > now - this.#broker.settings.duplicateWindowSeconds) return null;
      this.#seen.set(id, now);
    }
    const sequence = this.#broker.nextSequence++;
    this.storeMessage({ message, sequence, enqueued: now, due: scheduledTime(message) ?? now, deliveries: 0 });
    return sequence;
  }

  /** Let a stored message wait in its place, or for its time. */
  storeMessage(stored) {
    if (stored.due > this.#broker.now()) {
      this.#scheduled.push(stored);
      return;
    }
    const place = this.#ready.findLastIndex((other) => other.sequence < stored.sequence) + 1;
    this.#ready.splice(place, 0, stored);
    this.#broker.onReady();
  }

  /** Lock the oldest message: `{token, stored, until}`, or null when none waits. */
  lockNext() {
    const stored = this.#ready.shift();
    if (!stored) return null;
    const token = randomUUID();
    const until = this.#lockEnd();
    this.#locked.set(token, { stored, until });
    return { token, stored, until };
  }

  /** Prolong a lock: when it ends now, or null where it has ended already. */
  renewLock(token) {
    const lock = this.#locked.get(token);
    if (!lock) return null;
    lock.until = this.#lockEnd();
    return lock.until;
  }

  /** Remove a message that its receiver is done with. False where the lock had ended, as in the next three. */
  completeMessage(token) {
    return this.#unlock(token, () => {});
  }

  /** Take back a message that its receiver has not looked at: the delivery does not count. */
  releaseMessage(token) {
    return this.#unlock(token, (stored) => this.storeMessage(stored));
  }

  /** Take back a message that its receiver failed on: the message waits again, or is a dead letter after the last try. */
  abandonMessage(token) {
    return this.#unlock(token, (stored) => this.#countFailure(stored));
  }

  /** Move a message to the dead letters because its receiver says so. */
  deadLetterMessage(token, reason, description) {
    return this.#unlock(token, (stored) => this.#bury(stored, reason, description));
  }

  /** Remove a scheduled message. False where there is none of that sequence number. */
  cancelMessage(sequence) {
    const place = this.#scheduled.findIndex((stored) => stored.sequence === sequence);
    if (place >= 0) this.#scheduled.splice(place, 1);
    return place >= 0;
  }

  /** Messages from that sequence number on, whether they wait, are scheduled or locked. */
  peekMessages(start, count) {
    const found = this.allMessages().filter((stored) => stored.sequence >= start);
    return found.sort((one, other) => one.sequence - other.sequence).slice(0, count);
  }

  allMessages() {
    return [...this.#ready, ...this.#scheduled, ...[...this.#locked.values()].map((lock) => lock.stored)];
  }

  /** Do what the time has come for. */
  tick() {
    const now = this.#broker.now();
    const due = this.#scheduled.filter((stored) => stored.due <= now);
    this.#scheduled = this.#scheduled.filter((stored) => stored.due > now);
    for (const stored of due) this.storeMessage({ ...stored, enqueued: stored.due });
    for (const [token, lock] of this.#locked) {
      if (lock.until <= now) this.abandonMessage(token);
    }
    for (const [id, sent] of this.#seen) {
      if (sent <= now - this.#broker.settings.duplicateWindowSeconds) this.#seen.delete(id);
    }
  }

  #lockEnd() {
    return this.#broker.now() + this.#broker.settings.lockSeconds;
  }

  #unlock(token, settle) {
    const lock = this.#locked.get(token);
    if (!lock) return false;
    this.#locked.delete(token);
    settle(lock.stored);
    return true;
  }

  #countFailure(stored) {
    stored.deliveries += 1;
    if (stored.deliveries >= this.#broker.settings.mostDeliveries && !this.name.endsWith(DEAD_LETTERS)) {
      const text = `Message could not be consumed after ${stored.deliveries} delivery attempts.`;
      this.#bury(stored, "MaxDeliveryCountExceeded", text);
    } else {
      this.storeMessage(stored);
    }
  }

  #bury(stored, reason, description) {
    const properties = { ...stored.message.application_properties };
    if (reason) properties.DeadLetterReason = reason;
    if (description) properties.DeadLetterErrorDescription = description;
    stored.message.application_properties = properties;
    this.#broker.queue(this.name.replace(DEAD_LETTERS, "") + DEAD_LETTERS).storeMessage(stored);
  }
}

/** All queues; each is made when it is first named. */
export class Broker {
  #queues = new Map();
  nextSequence = 1;

  /** Called when a message can be taken. */
  onReady = () => {};

  constructor(settings = {}, now = () => Date.now() / 1000) {
    this.settings = { ...SETTINGS, ...settings };
    this.now = now;
  }

  /** The queue of that name, whose case does not matter. */
  queue(name) {
    const key = name.toLowerCase();
    if (!this.#queues.has(key)) this.#queues.set(key, new Queue(key, this));
    return this.#queues.get(key);
  }

  tick() {
    for (const queue of this.#queues.values()) queue.tick();
  }

  /** Every message, as JSON can have it. Locks are left out: their holders will ask again. */
  dumpMessages() {
    return [...this.#queues.values()].flatMap((queue) =>
      queue.allMessages().map((stored) => ({
        queue: queue.name,
        sequence: stored.sequence,
        enqueued: stored.enqueued,
        due: stored.due,
        deliveries: stored.deliveries,
        message: writeMessage(stored).toString("base64"),
      })),
    );
  }

  /** Put back what `dumpMessages` gave. */
  loadMessages(dumped) {
    for (const { queue, message, ...stored } of dumped) {
      this.queue(queue).storeMessage({ ...stored, message: readMessage(Buffer.from(message, "base64")) });
      this.nextSequence = Math.max(this.nextSequence, stored.sequence + 1);
    }
  }
}
