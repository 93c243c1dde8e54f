/** The pane beside a mail that is being written. */

import { recordsAbout } from "./composing.js";
import { button, field, make, recordOf, recordSelect, section } from "./elements.js";

const DAYS = 3; // After which a reminder is proposed.
/** @type {Record<string, string>} */
const TONES = { allow: "human", do_not_allow: "bad", unknown: "" };
const CONDITIONS = ["no_reply", "not_opened", "always"];

/**
 * @typedef {import("./words.js").Words} Words
 * @typedef {ReturnType<typeof import("./composing.js").composing>} Composing
 * @typedef {(work: () => Promise<unknown>, done?: string) => Promise<void>} Do does work, says what came of it (what the
 *   work answers, where that is a text, or `done`), and looks again
 */

/** @param {import("./composing.js").Look} look @param {Composing} mail @param {import("./heed.js").Heed} heed @param {Words} words @param {Do} act */
export async function composeView(look, mail, heed, words, act) {
  if (look.reason) return [note(words.say(`reason_${look.reason}`))];
  const choices = look.draft || { follow: true, regarding: null, reminder: null };
  const recipients = look.simulation ? look.simulation.recipients : [];
  const emails = recipients.slice(0, 5).map((/** @type {any} */ each) => each.email);
  const records = await recordsAbout(heed, emails);
  return [
    followPart(look, choices, mail, words, act),
    recipients.length ? recipientsPart(recipients, words) : null,
    look.simulation ? advicePart(look.simulation.delivery_advice, words) : null,
    regardingPart(records, choices.regarding, mail, words, act),
    templatesPart(choices, mail, words, act),
    reminderPart(choices.reminder, mail, words, act),
  ];
}

/** @param {string} text */
const note = (text) => make("p", { class: "note" }, text);

/** @param {import("./composing.js").Look} look @param {any} choices @param {Composing} mail @param {Words} words @param {Do} act */
function followPart(look, choices, mail, words, act) {
  const state = look.simulation ? look.simulation.follow_state : null;
  const isOn = state && state.state === "on";
  const toggle = choices.follow
    ? button(words.say("do_not_follow"), () => act(() => mail.choose({ follow: false })))
    : button(words.say("do_follow"), () => act(() => mail.choose({ follow: true })), "primary");
  const shared = isOn && look.count > 1 ? make("p", { class: "hint" }, words.say("shared")) : null;
  const said = state ? words.say(`follow_${state.state}`) : words.say("no_recipients");
  const reason = state && !isOn ? make("p", { lang: "en" }, state.reason) : null;
  const box = make("div", { class: `sentence ${isOn ? "human" : ""}` }, make("strong", {}, said), reason);
  return section(words.say("following"), box, shared, make("p", { class: "acts" }, toggle));
}

/** @param {any[]} recipients @param {Words} words */
function recipientsPart(recipients, words) {
  const items = recipients.map((each) => {
    const name = each.record ? `${each.record.type}/${each.record.id}` : words.say(`resolved_${each.resolved_by}`);
    return make(
      "li",
      {},
      make("strong", {}, each.name || each.email),
      make("span", { class: `tag ${TONES[each.preference]}` }, words.say(`preference_${each.preference}`)),
      make("span", { class: "sub" }, each.name ? `${each.email} · ${name}` : name),
      make("span", { class: "sub", lang: "en" }, each.because),
    );
  });
  return section(words.say("recipients"), make("ul", { class: "plain-list people" }, ...items));
}

/** @param {any} advice @param {Words} words */
function advicePart(advice, words) {
  const at = advice.suggested_at ? make("p", {}, words.say("send_at", { when: words.moment(advice.suggested_at) })) : null;
  return section(words.say("when_to_send"), at, make("p", { class: "hint", lang: "en" }, advice.because));
}

/** @param {any[]} records @param {any} chosen @param {Composing} mail @param {Words} words @param {Do} act */
function regardingPart(records, chosen, mail, words, act) {
  const select = recordSelect(records, chosen, words.say("nothing"));
  select.addEventListener("change", () => act(() => mail.choose({ regarding: recordOf(select.value, records) })));
  return section(words.say("about"), field(words.say("regarding"), select, "regarding"));
}

/** @param {any} choices @param {Composing} mail @param {Words} words @param {Do} act */
function templatesPart(choices, mail, words, act) {
  const list = make("ul", { class: "plain-list people", "aria-live": "polite" });
  const search = make("input", { type: "search", autocomplete: "off" });
  const find = button(words.say("find"), async () => {
    const found = await mail.templates(search.value.trim(), choices.regarding && choices.regarding.type);
    list.replaceChildren(...found.map((/** @type {any} */ each) => templateItem(each, mail, words, act)));
    if (!found.length) list.append(make("li", { class: "hint" }, words.say("no_templates")));
  });
  return section(
    words.say("templates"),
    field(words.say("template_words"), search, "template"),
    make("p", { class: "acts" }, find),
    list,
  );
}

/** @param {any} template @param {Composing} mail @param {Words} words @param {Do} act */
function templateItem(template, mail, words, act) {
  const rates = ["open_rate", "click_rate", "reply_rate"]
    .filter((name) => template[name])
    .map((name) => words.say(name, rateValues(template[name], words)));
  const inserted = async () => {
    const empty = await mail.insert(template.id);
    return empty.length ? words.say("inserted_with_gaps", { fields: empty.join(", ") }) : words.say("inserted");
  };
  return make(
    "li",
    {},
    make("strong", {}, template.name),
    template.pick ? make("span", { class: "tag human" }, words.say(`pick_${template.pick}`)) : null,
    make("span", { class: "sub" }, rates.join(" · ") || words.say("no_rates")),
    template.pick ? make("span", { class: "sub", lang: "en" }, template.recommended_because) : null,
    button(words.say("insert"), () => act(inserted), "small"),
  );
}

/** @param {any} rate @param {Words} words */
function rateValues(rate, words) {
  return { rate: words.percent(rate.rate), low: words.percent(rate.low), high: words.percent(rate.high) };
}

/** @param {any} reminder @param {Composing} mail @param {Words} words @param {Do} act */
function reminderPart(reminder, mail, words, act) {
  const title = make("input", { type: "text", maxlength: 200, value: reminder ? reminder.title : words.say("reminder_title") });
  const options = CONDITIONS.map((each) =>
    make("option", { value: each, selected: reminder && reminder.condition === each }, words.say(`condition_${each}`)),
  );
  const condition = make("select", {}, ...options);
  const proposed = new Date(Date.now() + DAYS * 86_400_000);
  const at = make("input", { type: "datetime-local", required: true, value: localTime(reminder ? new Date(reminder.at) : proposed) });
  const set = button(words.say("set_reminder"), () => {
    if (!at.reportValidity()) return;
    const made = { title: title.value || words.say("reminder_title"), condition: condition.value, at: new Date(at.value).toISOString() };
    return act(() => mail.remind(made), words.say("reminder_set"));
  });
  const drop = reminder ? button(words.say("drop_reminder"), () => act(() => mail.remind(null)), "quiet") : null;
  const said = reminder ? make("p", {}, words.say("reminds_at", { when: words.moment(reminder.at) })) : null;
  return section(
    words.say("reminder"),
    said,
    field(words.say("reminder_text"), title, "reminder-title"),
    field(words.say("condition"), condition, "reminder-condition"),
    field(words.say("reminder_at"), at, "reminder-at"),
    make("p", { class: "acts" }, set, drop),
  );
}

/** A time as such a field holds it. @param {Date} at */
function localTime(at) {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
