// What the client adds to its generated types: retries, errors, keys, webhooks.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Heed, HeedError, type HeedOptions } from "heed-client";
import { UnverifiedDelivery, verifyDelivery } from "heed-client/webhooks";
import { Webhook } from "standardwebhooks";

const busy = () => new Response('{"code": "unavailable", "detail": "Storage is down."}', {
  status: 503,
  headers: { "Retry-After": "0", "X-Request-Id": "r1" },
});
const made = () => Response.json({ token: "t", expires_at: "2026-05-04T09:45:00Z" }, { status: 201 });
const lost = () => new Response("<html>gateway</html>", { status: 504 });
const brokenOff = () => {
  throw new TypeError("fetch failed");
};

/** A client whose requests are answered in this order, the last answer again and again, and the requests. */
function scripted(answers: (() => Response)[], options: Partial<HeedOptions> = {}) {
  const asked: { request: Request; body: string }[] = [];
  const fetch = async (request: Request) => {
    asked.push({ request, body: await request.clone().text() });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer!();
  };
  const retries = { firstPause: 0 };
  return { heed: new Heed({ baseUrl: "https://heed.example/", key: "k", user: "rita", retries, fetch, ...options }), asked };
}

const makeToken = (heed: Heed, headers = {}) =>
  heed.answer(
    heed.api.POST("/api/orgs/{org}/users/{user}/tokens", { params: { path: { org: "acme", user: "rita" } }, headers }),
  );
const draft = (heed: Heed) =>
  heed.api.POST("/api/orgs/{org}/messages", { params: { path: { org: "acme" } }, body: { from: "rita" } });
const remove = (heed: Heed) =>
  heed.api.DELETE("/api/orgs/{org}/webhooks/{id}", { params: { path: { org: "acme", id: "w1" } } });
const refusal = async (call: Promise<unknown>) => {
  const error = await call.then(() => assert.fail("it succeeded"), (raised: unknown) => raised);
  assert(error instanceof HeedError, String(error));
  return error;
};

test("a busy service is asked again", async () => {
  const { heed, asked } = scripted([busy, busy, made]);
  assert.equal((await makeToken(heed)).token, "t");
  assert.equal(asked.length, 3);
});

test("a post has one idempotency key and one body in all its attempts", async () => {
  const { heed, asked } = scripted([brokenOff, lost, busy, made]);
  await draft(heed);
  assert.equal(new Set(asked.map(({ request }) => request.headers.get("Idempotency-Key"))).size, 1);
  assert.deepEqual(asked.map(({ body }) => body), Array(4).fill('{"from":"rita"}'));
});

test("two calls have keys of their own, and a caller's own key stays", async () => {
  const { heed, asked } = scripted([made]);
  await makeToken(heed);
  await makeToken(heed);
  await makeToken(heed, { "Idempotency-Key": "mine" });
  const keys = asked.map(({ request }) => request.headers.get("Idempotency-Key"));
  assert.notEqual(keys[0], keys[1]);
  assert.equal(keys[2], "mine");
});

const oddErrors: unknown[] = [undefined, null, "no list", { loc: [] }, 7, ["a", null, 1, ["loc"]]];
for (const errors of oddErrors) {
  test(`an error whose errors are ${JSON.stringify(errors)} is an error without them`, async () => {
    const odd = () => Response.json({ code: "invalid", detail: "No.", errors }, { status: 422 });
    const error = await refusal(makeToken(scripted([odd]).heed));
    assert.equal(error.message, "422 invalid: No.");
    assert.deepEqual(error.faults, []);
  });
}

test("of a field that is half told the rest is filled in", async () => {
  const errors = [{}, { loc: null, msg: null }, { loc: "to", code: 5 }, { loc: ["to", null, 0], msg: "no" }];
  const odd = () => Response.json({ code: null, detail: {}, errors }, { status: 422, statusText: "Wrong" });
  const error = await refusal(makeToken(scripted([odd]).heed));
  assert.equal(error.message, "422 unknown: Wrong");
  const empty = { loc: [], code: "invalid", msg: "" };
  assert.deepEqual(error.faults, [empty, empty, empty, { loc: ["to", 0], code: "invalid", msg: "no" }]);
});

test("what is under way already is waited for", async () => {
  const underWay = () => new Response("{}", { status: 409, headers: { "Retry-After": "0" } });
  assert.equal((await makeToken(scripted([underWay, made]).heed)).token, "t");
});

test("a deletion whose answer is lost is left to the caller", async () => {
  const { heed, asked } = scripted([lost, made]);
  assert.equal((await refusal(remove(heed))).status, 504);
  const other = scripted([brokenOff, made]);
  await assert.rejects(remove(other.heed), TypeError);
  assert.deepEqual([asked.length, other.asked.length], [1, 1]);
});

test("a pause that is too long is left to the caller", async () => {
  const later = () => new Response('{"code": "rate_limited"}', { status: 429, headers: { "Retry-After": "3600" } });
  const { heed, asked } = scripted([later]);
  assert.equal((await refusal(makeToken(heed))).code, "rate_limited");
  assert.equal(asked.length, 1);
});

test("a call that is given up waits no longer", async () => {
  const soon = () => new Response("{}", { status: 429, headers: { "Retry-After": "20" } });
  const { heed } = scripted([soon, made]);
  const controller = new AbortController();
  const call = heed.api.GET("/api/whoami", { signal: controller.signal });
  setTimeout(() => controller.abort(), 10);
  await assert.rejects(call, { name: "AbortError" });
});

test("a service that stays down is an error that says what it said", async () => {
  const { heed, asked } = scripted([busy]);
  const { status, code, detail, requestId } = await refusal(makeToken(heed));
  assert.deepEqual([status, code, detail, requestId], [503, "unavailable", "Storage is down.", "r1"]);
  assert.equal(asked.length, 4);
});

test("an error of a proxy's is an error all the same", async () => {
  for (const body of ["<html>Bad gateway</html>", "[]", "", "null"]) {
    const { heed } = scripted([() => new Response(body, { status: 403, statusText: "Forbidden" })]);
    assert.equal((await refusal(makeToken(heed))).message, "403 unknown: Forbidden");
  }
});

test("a redirect is an error, and nothing is sent where it leads", async () => {
  const elsewhere: string[] = [];
  const other = createServer((request, response) => {
    elsewhere.push(request.url ?? "");
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/api/elsewhere`;
  for (const status of [301, 302, 303, 307, 308]) {
    const server = createServer((_, response) => {
      response.writeHead(status, { Location: location }).end("{}");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await refusal(draft(new Heed({ baseUrl, key: "k" })));
    assert.deepEqual([error.status, error.code], [status, "unknown"]);
    assert.match(error.detail, /leads to http.*elsewhere/);
    server.close();
  }
  other.close();
  assert.deepEqual(elsewhere, []);
});

test("a page of a proxy's is an error whatever its status, and a page of Heed's is not", async () => {
  const html = { "Content-Type": "text/html; charset=utf-8" };
  const { heed } = scripted([() => new Response("<html>Sign in</html>", { headers: html })]);
  assert.match((await refusal(makeToken(heed))).message, /^200 unknown: .*HTML/);
  const preview = () => new Response("<html>Preview</html>", { headers: { ...html, "X-Request-Id": "r1" } });
  const params = { path: { org: "acme", id: "t1" } };
  const shown = await scripted([preview]).heed.api.GET("/api/orgs/{org}/templates/{id}/preview", { params, parseAs: "text" });
  assert.match(String(shown.data), /Preview/);
});

test("a list that leads to itself ends with an error", async () => {
  const page = () => Response.json({ items: [], next: "2", more: true });
  const { heed, asked } = scripted([page]);
  const path = { org: "acme" };
  const users = heed.items((cursor) =>
    heed.api.GET("/api/orgs/{org}/users", { params: { path, query: cursor ? { cursor } : {} } }),
  );
  assert.match((await refusal(users.next())).message, /never end/);
  const feed = heed.changes((after) =>
    heed.api.GET("/api/orgs/{org}/events", { params: { path, query: after ? { after } : {} } }),
  );
  await feed.next();
  assert.match((await refusal(feed.next())).message, /never end/);
  assert.equal(asked.length, 4);
});

test("each call has the key and the acting user, and a key that is asked for is a new one", async () => {
  let count = 0;
  const { heed, asked } = scripted([made], { key: async () => `key${++count}` });
  await makeToken(heed);
  await makeToken(heed, { "X-Heed-User": "boss" });
  const headers = asked.map(({ request }) => ["Authorization", "X-Heed-User"].map((name) => request.headers.get(name)));
  assert.deepEqual(headers, [["Bearer key1", "rita"], ["Bearer key2", "boss"]]);
});

test("a key is not sent in the clear", () => {
  for (const baseUrl of ["http://heed.example", "http://127.0.0.1.heed.example", "ftp://127.0.0.1"]) {
    assert.throws(() => new Heed({ baseUrl, key: "k" }), /use https/);
  }
  for (const baseUrl of ["http://localhost:7071", "http://[::1]:7071", "http://127.0.0.1"]) new Heed({ baseUrl, key: "k" });
});

const secret = `whsec_${btoa("a secret of 24 bytes, or")}`;
const other = `whsec_${btoa("one more of 24 bytes now")}`;
const delivery = (content: object, at = new Date()) => {
  const body = JSON.stringify(content);
  const headers = {
    "webhook-id": "e1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("e1", at, body),
  };
  return { body, headers };
};

test("a delivery that is signed is read, and a test has no event", () => {
  const opened = delivery({ id: "e1", type: "message.opened", data: { message: "m1" } });
  const found = verifyDelivery(opened.body, opened.headers, other, secret);
  assert.deepEqual([found.id, found.type, found.event?.message], ["e1", "message.opened", "m1"]);
  assert.equal(verifyDelivery(opened.body, new Headers(opened.headers), secret).id, "e1");
  const tested = delivery({ id: "e1", type: "webhook.test", data: { webhook: "crm" } });
  assert.equal(verifyDelivery(tested.body, tested.headers, secret).event, null);
});

test("a delivery that is not signed, changed or old is refused", () => {
  const { body, headers } = delivery({ id: "e1", type: "message.opened", data: {} });
  const old = delivery({ id: "e1", type: "message.opened", data: {} }, new Date(Date.now() - 360_000));
  assert.throws(() => verifyDelivery(`${body} `, headers, secret), UnverifiedDelivery);
  assert.throws(() => verifyDelivery(old.body, old.headers, secret), UnverifiedDelivery);
  assert.throws(() => verifyDelivery(body, headers), UnverifiedDelivery);
  for (const signature of [undefined, "", "v1", "v1,", "v1,AAAA", "v2,AAAA", "v1,ää"]) {
    assert.throws(() => verifyDelivery(body, { ...headers, "webhook-signature": signature }, secret), UnverifiedDelivery);
  }
});
