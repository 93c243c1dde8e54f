// A CRM's work: compose in one call, send, receive a webhook, page a list, meet a 412. What came of it is printed.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Heed, HeedError } from "heed-client";
import { type Delivery, verifyDelivery } from "heed-client/webhooks";

const [baseUrl, key, org, subject] = process.argv.slice(2) as [string, string, string, string];
const heed = new Heed({ baseUrl, key, user: "rep1" });
const path = { org };

let secret = "";
let deliver: (delivery: Delivery) => void;
const delivered = new Promise<Delivery>((resolve) => (deliver = resolve));
const receiver = createServer(async (request, answer) => {
  deliver(verifyDelivery(await text(request), request.headers, secret));
  answer.end();
}).listen(0, "127.0.0.1");
await once(receiver, "listening");

const hook = await heed.answer(
  heed.api.PUT("/api/orgs/{org}/webhooks/{id}", {
    params: { path: { org, id: "crm" } },
    body: { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`, events: ["message.opened"] },
  }),
);
secret = hook.secret ?? "";

const sent = await heed.answer(
  heed.api.POST("/api/orgs/{org}/messages", {
    params: { path },
    body: {
      from: "rep1",
      to: [{ email: "ada@example.com", name: "Ada" }],
      subject,
      html: "<p>Hi Ada</p>",
      attachments: [{ filename: "offer.txt", content: btoa("The offer."), followed: true }],
      metadata: { deal: "7" },
      send: true,
    },
  }),
);

const { type, event } = await delivered;
receiver.closeAllConnections();
receiver.close();

const drafts = [];
for (const draftSubject of ["one", "two", "three"]) {
  const body = { from: "rep1", subject: draftSubject };
  drafts.push(await heed.answer(heed.api.POST("/api/orgs/{org}/messages", { params: { path }, body })));
}
const listed: string[] = [];
for await (const item of heed.items((cursor) =>
  heed.api.GET("/api/orgs/{org}/messages", { params: { path, query: { limit: 2, ...(cursor ? { cursor } : {}) } } }),
)) {
  listed.push(item.subject);
}

const [first] = drafts;
if (!first) throw new Error("there is no draft");
const change = () =>
  heed.api.PATCH("/api/orgs/{org}/messages/{message}", {
    params: { path: { org, message: first.id }, header: { "If-Match": first.etag } },
    body: { subject: "changed" },
  });
await change();
const refusal = await change().then(
  () => undefined,
  (error: unknown) => (error instanceof HeedError ? error : undefined),
);

const feed: string[] = [];
for await (const page of heed.changes((after) =>
  heed.api.GET("/api/orgs/{org}/events", { params: { path, query: after ? { after } : {} } }),
)) {
  feed.push(...page.items.filter(({ message }) => message === sent.id).map((each) => each.type));
}

const delivery = { type, isOfTheMessage: event?.message === sent.id, deal: event?.metadata.deal };
const refused = { status: refusal?.status, code: refusal?.code, hasId: Boolean(refusal?.requestId) };
console.log(JSON.stringify({ files: sent.attachments.map((each) => each.filename), delivery, listed, refused, feed }));
