// The loopback broker's queues, with a clock that is set by hand; test_broker_queues.py runs this file.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Broker } from "../../infra/local/service_bus/queues.mjs";

const START = 1_800_000_000;

let now, broker, queue;

beforeEach(() => {
  now = START;
  broker = new Broker({ lockSeconds: 30, mostDeliveries: 3, duplicateWindowSeconds: 600 }, () => now);
  queue = broker.queue("work");
});

function message(body, { id, at } = {}) {
  const made = { body };
  if (id) made.message_id = id;
  if (at) made.message_annotations = { "x-opt-scheduled-enqueue-time": new Date(at * 1000) };
  return made;
}

/** The time goes on, and the broker does what it has come for. */
function pass(seconds) {
  now += seconds;
  broker.tick();
}

/** Bodies of all that can be taken, which is then gone. */
function taken(from) {
  const bodies = [];
  for (let lock = from.lockNext(); lock; lock = from.lockNext()) {
    from.completeMessage(lock.token);
    bodies.push(lock.stored.message.body);
  }
  return bodies;
}

test("messages are taken in the order in which they were sent", () => {
  for (const body of "abc") queue.sendMessage(message(body));

  assert.deepEqual(taken(queue), ["a", "b", "c"]);
});

test("a message that comes back takes its old place", () => {
  for (const body of "abc") queue.sendMessage(message(body));
  const [first, second] = [queue.lockNext(), queue.lockNext()];
  queue.abandonMessage(second.token);
  queue.abandonMessage(first.token);

  assert.deepEqual(taken(queue), ["a", "b", "c"]);
});

test("a locked message is given to no second receiver", () => {
  queue.sendMessage(message("mine"));
  assert.ok(queue.lockNext());

  assert.equal(queue.lockNext(), null);
});

test("a lock that is over gives the message back and is worth nothing", () => {
  queue.sendMessage(message("slow"));
  const { token } = queue.lockNext();
  pass(29);
  assert.equal(queue.lockNext(), null);

  pass(1);

  assert.equal(queue.completeMessage(token), false);
  assert.equal(queue.renewLock(token), null);
  assert.equal(queue.lockNext().stored.deliveries, 1);
});

test("a lock that is renewed lasts", () => {
  queue.sendMessage(message("slow"));
  const { token } = queue.lockNext();
  pass(29);

  assert.equal(queue.renewLock(token), now + 30);

  pass(29);
  assert.equal(queue.completeMessage(token), true);
});

test("a scheduled message shows at its time", () => {
  queue.sendMessage(message("later", { at: START + 60 }));
  queue.sendMessage(message("now"));
  assert.deepEqual(taken(queue), ["now"]);
  pass(59);
  assert.deepEqual(taken(queue), []);

  pass(1);

  assert.equal(queue.lockNext().stored.enqueued, START + 60);
});

test("a scheduled message can be taken back once", () => {
  const number = queue.sendMessage(message("later", { at: START + 60 }));

  assert.equal(queue.cancelMessage(number), true);
  assert.equal(queue.cancelMessage(number), false);

  pass(61);
  assert.deepEqual(taken(queue), []);
});

test("an id is taken once in the window and again after it", () => {
  assert.ok(queue.sendMessage(message("first", { id: "once" })));
  assert.ok(queue.sendMessage(message("other", { id: "another" })));
  assert.deepEqual(taken(queue), ["first", "other"]);
  pass(599);

  assert.equal(queue.sendMessage(message("again", { id: "once" })), null);
  pass(2);
  assert.ok(queue.sendMessage(message("anew", { id: "once" })));

  assert.deepEqual(taken(queue), ["anew"]);
});

test("messages without an id are no duplicates", () => {
  queue.sendMessage(message("same"));
  queue.sendMessage(message("same"));

  assert.deepEqual(taken(queue), ["same", "same"]);
});

test("a message that fails each time ends among the dead letters", () => {
  queue.sendMessage(message("bad"));
  for (const delivery of [0, 1, 2]) {
    const { token, stored } = queue.lockNext();
    assert.equal(stored.deliveries, delivery);
    queue.abandonMessage(token);
  }

  assert.equal(queue.lockNext(), null);
  const [dead] = broker.queue("Work/$DeadLetterQueue").allMessages();
  assert.equal(dead.deliveries, 3);
  assert.equal(dead.message.application_properties.DeadLetterReason, "MaxDeliveryCountExceeded");
});

test("a dead letter can be looked at again and again", () => {
  queue.sendMessage(message("bad"));
  queue.deadLetterMessage(queue.lockNext().token, "nonsense", "it is no JSON");
  const dead = broker.queue("work/$deadletterqueue");

  for (let look = 0; look < 5; look++) dead.abandonMessage(dead.lockNext().token);

  const reasons = dead.allMessages().map((stored) => stored.message.application_properties.DeadLetterReason);
  assert.deepEqual(reasons, ["nonsense"]);
});

test("a message that is released was not tried", () => {
  queue.sendMessage(message("unread"));

  assert.equal(queue.releaseMessage(queue.lockNext().token), true);

  assert.equal(queue.lockNext().stored.deliveries, 0);
});

test("peeking shows all and takes nothing", () => {
  for (const body of "abc") queue.sendMessage(message(body));
  queue.sendMessage(message("later", { at: START + 60 }));
  queue.lockNext();

  const peeked = queue.peekMessages(2, 2).map((stored) => stored.message.body);
  assert.deepEqual(peeked, ["b", "c"]);
  assert.equal(queue.peekMessages(0, 10).length, 4);
  assert.deepEqual(taken(queue), ["b", "c"]);
});

test("the broker is told when a message can be taken", () => {
  let calls = 0;
  broker.onReady = () => calls++;

  queue.sendMessage(message("here", { at: START + 60 }));
  assert.equal(calls, 0);
  queue.sendMessage(message("here"));

  assert.equal(calls, 1);
});

test("a broker that is started anew has the messages of the last", () => {
  queue.sendMessage(message("waits", { id: "id-1" }));
  queue.sendMessage(message("locked", { id: "id-2" }));
  queue.sendMessage(message("later", { id: "id-3", at: START + 60 }));
  queue.abandonMessage(queue.lockNext().token);
  queue.lockNext();

  const again = new Broker({}, () => now);
  again.loadMessages(JSON.parse(JSON.stringify(broker.dumpMessages())));

  const kept = again.queue("work");
  assert.deepEqual(kept.peekMessages(0, 10).map((stored) => stored.deliveries), [1, 0, 0]);
  assert.deepEqual(taken(kept), ["waits", "locked"]);
  now += 60;
  again.tick();
  assert.deepEqual(taken(kept), ["later"]);
  assert.equal(kept.sendMessage(message("new")), 4);
});
