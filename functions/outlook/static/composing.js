/** A mail that is being written: what Heed says of it, and the choices of its writer, which a draft of Heed keeps. */

import { AS_ONE, MOST_RECIPIENTS, findMessage, isSameAddress, whyNot, whyNotBody } from "./sending.js";
import { Refusal } from "./heed.js";

const MOST_TEMPLATES = 20;

/**
 * @typedef {import("./outlook.js").ComposedItem} ComposedItem
 * @typedef {import("./heed.js").Heed} Heed
 *
 * @typedef {object} Look
 * @property {string} reason a code, where Heed cannot follow the mail; else empty
 * @property {number} count of recipients
 * @property {any} draft the message that keeps the choices; null where none was made
 * @property {any} simulation what would become of the mail if it left now; null without recipients
 */

/** @param {ComposedItem} item @param {Heed} heed */
export function composing(item, heed) {
  /** @returns {Promise<any>} */
  async function draftOf() {
    const { message } = await item.readIds();
    const found = message ? await readMessage(heed, message) : null;
    return found && found.status === "draft" ? found : null; // Outlook may hand on the ids of a mail that was sent.
  }

  /** @returns {Promise<Look>} */
  async function look() {
    const [people, kind, sender, draft, body, hasMailBefore] = await Promise.all([
      item.recipients(),
      item.itemClass(),
      item.sender(),
      draftOf(),
      item.bodyType().then(item.body),
      item.hasMailBefore(),
    ]);
    const count = people.to.length + people.cc.length + people.bcc.length;
    const many = count > MOST_RECIPIENTS ? "too_many" : "";
    const reason = whyNot(kind, sender, item.ownAddress) || many || whyNotBody(body, hasMailBefore);
    if (reason || !count) return { reason, count, draft, simulation: null };
    const choices = draft ? { follow: draft.follow, regarding: draft.regarding } : {};
    const me = await heed.me();
    if (!isSameAddress(me.email, item.ownAddress)) return { reason: "other_person", count, draft, simulation: null };
    const message = { from: me.id, ...people, text: "", ...choices, ...AS_ONE };
    return { reason, count, draft, simulation: await heed.ask("POST", "/simulate", { body: message }) };
  }

  /** @type {Promise<unknown>} */
  let chosen = Promise.resolve();

  /** Change choices of the writer, one after another: the first one makes the draft. @param {object} fields @returns {Promise<unknown>} */
  function choose(fields) {
    chosen = chosen.catch(() => {}).then(() => keep(fields));
    return chosen;
  }

  /** @param {object} fields */
  async function keep(fields) {
    const draft = await draftOf();
    if (draft) {
      await heed.ask("PATCH", `/messages/${draft.id}`, { body: fields });
      return;
    }
    const [people, subject, me] = await Promise.all([item.recipients(), item.subject(), heed.me()]);
    const answered = item.inReplyTo ? await findMessage(heed, item.inReplyTo) : null;
    const thread = answered ? { in_reply_to: answered } : {};
    const body = { from: me.id, ...people, subject, ...thread, ...AS_ONE, ...fields };
    const made = await heed.ask("POST", "/messages", { body });
    try {
      await item.saveIds({ message: made.id });
    } catch (error) {
      await heed.ask("DELETE", `/messages/${made.id}`); // Nothing would lead to it.
      throw error;
    }
  }

  /** Set the reminder, or none. Its recipients are those of now. @param {object | null} reminder */
  async function remind(reminder) {
    await choose({ ...(await item.recipients()), reminder });
  }

  /** @param {string} words @param {string | undefined} type of the record that the mail is about */
  async function templates(words, type) {
    /** @type {Record<string, string | number>} */
    const query = { sort: "-reply_rate", limit: MOST_TEMPLATES };
    if (words) query.q = words;
    if (type) query.regarding = type;
    const { items } = await heed.get("/templates", query);
    /** @param {any} each */
    const rank = (each) => (each.recommended ? 0 : 1);
    return items.sort((/** @type {any} */ a, /** @type {any} */ b) => rank(a) - rank(b));
  }

  /** Put a template into the mail, where the cursor is. It greets those whom the mail is addressed to, nobody in Bcc
   * beside others.
   * Returns the merge fields that stand empty. @param {string} template */
  async function insert(template) {
    const [people, draft, type] = await Promise.all([item.recipients(), draftOf(), item.bodyType()]);
    const hidden = people.bcc.length === 1 ? people.bcc : [];
    const addressed = [people.to, people.cc, hidden].find((some) => some.length) || [];
    const [recipient = {}, ...others] = addressed.map(({ email, name }) => ({ email, name }));
    const values = others.length ? { recipient, others } : { recipient };
    const regarding = draft && draft.regarding ? { regarding: draft.regarding } : {};
    const body = { ...values, ...regarding };
    const rendered = await heed.ask("POST", `/templates/${encodeURIComponent(template)}/render`, { body });
    const isHtml = type === "html" && rendered.html !== null;
    await item.insert(isHtml ? rendered.html : rendered.text || "", isHtml ? "html" : "text");
    if (!(await item.subject())) await item.setSubject(rendered.subject);
    await choose({ template });
    return /** @type {string[]} */ (rendered.empty_fields);
  }

  return { look, choose, remind, templates, insert };
}

/** Read a message; null where it is gone, or another person's. @param {Heed} heed @param {string} message @returns {Promise<any>} */
export async function readMessage(heed, message) {
  try {
    return await heed.get(`/messages/${message}`, { checks: "false" });
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

/** The records that an address, or a recipient, belongs to, and those below them. @param {Heed} heed @param {string[]} emails */
export async function recordsAbout(heed, emails) {
  const lists = await Promise.all(emails.map((email) => heed.get("/records", { email, limit: 20 })));
  const found = lists.flatMap((list) => list.items);
  const below = await Promise.all(
    found.slice(0, 5).map((each) => heed.get("/records", { type: "opportunity", parent: `${each.type}/${each.id}` })),
  );
  const all = [...found, ...below.flatMap((list) => list.items)];
  return [...new Map(all.map((each) => [`${each.type}/${each.id}`, each])).values()];
}
