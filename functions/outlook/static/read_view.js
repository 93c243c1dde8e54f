/** The pane beside a mail that is read: one's own, which was sent, or one that came in. */

import { recordsAbout } from "./composing.js";
import { button, field, make, recordOf, recordSelect, section } from "./elements.js";
import { burstsOf, isOwn, nameOf, sentenceOf } from "./sentences.js";

/**
 * @typedef {import("./words.js").Words} Words
 * @typedef {ReturnType<typeof import("./reading.js").reading>} Reading
 * @typedef {import("./reading.js").Found} Found
 * @typedef {import("./compose_view.js").Do} Do
 */

/** @param {Found} found @param {Reading} mail @param {import("./outlook.js").ReadItem} item @param {import("./heed.js").Heed} heed @param {Words} words @param {Do} act */
export async function readView(found, mail, item, heed, words, act) {
  if (!found.message) return [await untracked(found, mail, item, heed, words, act)];
  const { message } = found;
  const sent = message.status === "received" ? receivedPart(message, words) : sentParts(found, words);
  return [...sent, conversationPart(found, heed, words), openPart(message, heed, words)];
}

/** @param {Found} found @param {Reading} mail @param {import("./outlook.js").ReadItem} item @param {import("./heed.js").Heed} heed @param {Words} words @param {Do} act */
async function untracked(found, mail, item, heed, words, act) {
  const said = make("p", { class: "sentence" }, words.say(found.isOwn ? "own_untracked" : "untracked"));
  if (item.isSealed) return section(words.say("tracking"), said, make("p", { class: "hint" }, words.say("reason_sealed")));
  if (!item.canBeRead) return section(words.say("tracking"), said, make("p", { class: "hint" }, words.say("cannot_be_read")));
  const records = await recordsAbout(heed, found.isOwn ? [] : [item.from.email]);
  const select = recordSelect(records, null, words.say("nothing"));
  const track = button(
    words.say("track"),
    () => act(() => mail.track(recordOf(select.value, records)), words.say("tracked_now")),
    "primary",
  );
  return section(words.say("tracking"), said, field(words.say("regarding"), select, "regarding"), make("p", { class: "acts" }, track));
}

/** @param {any} message @param {Words} words */
function receivedPart(message, words) {
  const { correlation, regarding } = message;
  const matched = correlation && correlation.matched;
  const how = matched
    ? words.say("matched", { how: words.say(`correlation_${correlation.name}`), sure: words.percent(correlation.confidence) })
    : words.say("unmatched");
  const facts = [
    [words.say("how"), how],
    [words.say("method"), matched && correlation.method !== null ? `${correlation.method}` : ""],
    [words.say("regarding"), regarding ? regarding.name || `${regarding.type}/${regarding.id}` : ""],
  ].filter(([, value]) => value);
  const list = make("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  return [section(words.say("tracking"), make("p", { class: "sentence human" }, make("strong", {}, words.say("tracked"))), list)];
}

/** @param {Found} found @param {Words} words */
function sentParts({ message, events }, words) {
  const { tone, text } = sentenceOf(message, events, words);
  const why = message.follow_state.state === "on" ? null : make("p", { class: "hint", lang: "en" }, message.follow_state.reason);
  return [
    section(words.say("what_became"), make("p", { class: `sentence ${tone}` }, make("strong", {}, text)), why, numbers(message.kpis, words)),
    timelinePart(message, events, words),
    make("p", { class: "hint" }, words.say("own_look")),
  ];
}

/** @param {any} kpis @param {Words} words */
function numbers(kpis, words) {
  const shown = ["opens", "clicks", "attachment_views", "replies"].map((name) => {
    const more = kpis.raw[name] ? kpis.raw[name] - kpis[name] : 0;
    return make(
      "div",
      { class: kpis[name] ? "number some" : "number" },
      make("dt", {}, words.say(name)),
      make("dd", {}, make("span", { class: "n" }, `${kpis[name]}`), more ? make("span", { class: "beside" }, words.say("more_hits", { count: more })) : null),
    );
  });
  return make("dl", { class: "numbers" }, ...shown);
}

/** @param {any} message @param {any[]} events @param {Words} words */
function timelinePart(message, events, words) {
  const people = [...message.to, ...message.cc, ...message.bcc];
  const rows = burstsOf(events).map((burst) => {
    if (burst.length === 1) return eventItem(burst[0], people, words);
    const inside = make("ol", { class: "events" }, ...burst.map((each) => eventItem(each, people, words)));
    const summary = make("summary", {}, words.say("machine_hits", { count: burst.length }));
    return make("li", { class: "none" }, make("details", {}, summary, inside));
  });
  const list = rows.length ? make("ol", { class: "events" }, ...rows) : make("p", { class: "hint" }, words.say("no_events"));
  return section(words.say("timeline"), list);
}

/** @param {any} event @param {any[]} people @param {Words} words */
function eventItem(event, people, words) {
  const kind = isOwn(event) ? "own" : event.verdict.class;
  const reasons = event.verdict.reasons.map((/** @type {any} */ reason) => make("li", {}, reason.text));
  // No verdict is quite sure.
  const sure = `${words.say(`verdict_${kind}`)}, ${words.percent(Math.min(0.99, event.verdict.confidence))}`;
  const thing = event.url || event.attachment;
  return make(
    "li",
    {},
    make("time", { class: "when", datetime: event.at }, words.moment(event.at)),
    make(
      "div",
      { class: "what" },
      make("span", {}, make("strong", {}, words.say(`event_${event.kind}`)), ` ${nameOf(people, event.recipient, words)}`),
      make("span", {}, make("span", { class: `tag ${kind}` }, make("span", { class: "shape" }), sure)),
      thing ? make("span", { class: "sub" }, thing) : null,
      reasons.length ? reasonsPart(reasons, words) : null,
    ),
  );
}

/** @param {Node[]} reasons @param {Words} words */
function reasonsPart(reasons, words) {
  return make("details", {}, make("summary", {}, words.say("why")), make("ul", { class: "reasons", lang: "en" }, ...reasons));
}

/** @param {Found} found @param {import("./heed.js").Heed} heed @param {Words} words */
function conversationPart({ message, conversation }, heed, words) {
  const others = conversation.filter((each) => each.id !== message.id);
  if (!others.length) return null;
  const items = others.map((each) => {
    const at = each.received_at || each.sent_at;
    return make(
      "li",
      {},
      make("a", { href: heed.page(each.id), target: "_blank", rel: "noopener" }, each.subject || words.say("no_subject")),
      make("span", { class: "sub" }, words.say(each.status === "received" ? "came" : "went", { when: at ? words.moment(at) : "" })),
      make("span", { class: "sub", lang: "en" }, each.status_text),
    );
  });
  return section(words.say("conversation"), make("ol", { class: "plain-list people" }, ...items));
}

/** @param {any} message @param {import("./heed.js").Heed} heed @param {Words} words */
function openPart(message, heed, words) {
  const link = make("a", { class: "button", href: heed.page(message.id), target: "_blank", rel: "noopener" }, words.say("open_in_heed"));
  return make("p", { class: "acts open" }, link);
}
