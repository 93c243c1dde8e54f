/** One sentence that says what became of a sent mail, worded by how sure it is. */

const SURE = 0.95; // `read`
const LIKELY = 0.8; // `most likely read`
/** Codes of reasons by which a look is the sender's own (`lib/verdicts/rules/own_side.py`). */
export const OWN = ["own-session", "own-network", "user-said-me"];
const READS = ["open", "read_receipt", "click", "attachment_view"];

/**
 * @param {any} message as the API shows it @param {any[]} events its timeline, newest first
 * @param {import("./words.js").Words} words
 * @returns {{ tone: "human" | "unsure" | "machine" | "plain" | "bad", text: string }}
 */
export function sentenceOf(message, events, words) {
  const { kpis } = message;
  const people = [...message.to, ...message.cc, ...message.bcc];
  /** @param {any} event */
  const who = (event) => nameOf(people, event && event.recipient, words);
  const reply = events.find((event) => event.kind === "reply");
  const reads = events.filter((event) => event.verdict.class === "human" && READS.includes(event.kind));
  if (message.status !== "sent") return { tone: "plain", text: words.say("left_unprepared") };
  if (reply) return { tone: "human", text: words.say("answered", { who: who(reply), when: words.moment(reply.at) }) };
  if (kpis.opens) return { tone: "human", text: `${readText(reads, kpis, who, words)} ${deeds(kpis, words)}`.trim() };
  if (kpis.clicks || kpis.attachment_views) {
    return { tone: "human", text: `${words.say("read_without_images", { who: who(reads[0]) })} ${deeds(kpis, words)}` };
  }
  const bounce = events.find((event) => event.kind === "bounce");
  if (bounce && people.length === 1) return { tone: "bad", text: words.say("bounced", { who: who(bounce) }) };
  if (message.follow_state.state !== "on") return { tone: "plain", text: words.say("not_followed") };
  if (hits(kpis.uncertain)) return { tone: "unsure", text: words.say("perhaps_opened") };
  if (hits(kpis.machine)) return { tone: "machine", text: words.say("only_machines") };
  return { tone: "plain", text: words.say("not_opened") };
}

/** @param {any[]} reads @param {any} kpis @param {(event: any) => string} who @param {import("./words.js").Words} words */
function readText(reads, kpis, who, words) {
  const opens = reads.filter((event) => event.kind === "open" || event.kind === "read_receipt");
  const surest = Math.max(LIKELY, ...opens.map((event) => event.verdict.confidence));
  const key = surest >= SURE ? "read" : "likely_read";
  const names = new Set(reads.map(who));
  const name = names.size === 1 ? [...names][0] : words.say("several");
  const times = { count: kpis.opens, when: words.moment(kpis.last_opened_at) };
  return `${words.say(key, { who: name })} ${words.say("times", times)}`;
}

/** @param {any} kpis @param {import("./words.js").Words} words */
function deeds(kpis, words) {
  const said = [];
  if (kpis.clicks) said.push(words.say("clicked", { count: kpis.clicks }));
  if (kpis.attachment_views) said.push(words.say("viewed", { count: kpis.attachment_views }));
  return said.join(" ");
}

/** @param {any} counts */
const hits = (counts) => counts.opens + counts.clicks + counts.attachment_views;

/**
 * Name who it was. Of a mail that all share, no event says that.
 * @param {any[]} people @param {string | null} email @param {import("./words.js").Words} words
 */
export function nameOf(people, email, words) {
  const found = people.length === 1 ? people[0] : people.find((each) => each.email === email);
  return found ? found.name || found.email : words.say("one_of", { count: people.length });
}

/** Whether the sender's own side has made the event. @param {any} event */
export function isOwn(event) {
  return event.verdict.class === "machine" && event.verdict.reasons.some((/** @type {any} */ each) => OWN.includes(each.code));
}

/** Put hits of machines that follow each other together. @param {any[]} events @returns {any[][]} */
export function burstsOf(events) {
  /** @type {any[][]} */
  const bursts = [];
  for (const event of events) {
    const before = bursts[bursts.length - 1];
    const isMachines = (/** @type {any} */ each) => each.verdict.class === "machine" && !isOwn(each);
    if (before && isMachines(before[0]) && isMachines(event)) before.push(event);
    else bursts.push([event]);
  }
  return bursts;
}
