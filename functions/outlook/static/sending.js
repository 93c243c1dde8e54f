/**
 * What happens when a person sends a mail: Heed prepares it, and it leaves with the body that Heed gave. Where anything
 * speaks against that, it leaves as it was written. It is never held back.
 */

import { startDeadline, TimeOver } from "./deadline.js";
import { Refusal } from "./heed.js";

export const MILLISECONDS = 3_000; // Of waiting for Heed, in all.
export const MOST_RECIPIENTS = 500; // Of one message in Heed.
export const MOST_CHARACTERS = 1_000_000; // That Office.js takes as a body.

/**
 * @typedef {import("./outlook.js").ComposedItem} ComposedItem
 * @typedef {import("./heed.js").Heed} Heed
 *
 * @typedef {"followed" | "as_written"} Leaving
 * @typedef {{ leaving: Leaving, reason: string }} Outcome the reason is a code, empty where all went well
 */

/** A reason for which a mail leaves as it was written. */
class AsWritten extends Error {}

/**
 * Have a mail prepared, and put what Heed gave in its place. Always resolves, within MILLISECONDS.
 * @param {ComposedItem} item @param {Heed} heed @returns {Promise<Outcome>}
 */
export async function leave(item, heed) {
  const deadline = startDeadline(MILLISECONDS);
  /** @type {{ message: string | null, isNew: boolean, isInPlace: boolean }} */
  const made = { message: null, isNew: false, isInPlace: false };
  try {
    await deadline.within(prepareAndReplace(item, heed, deadline, made));
    return { leaving: "followed", reason: "" };
  } catch (error) {
    if (made.isInPlace) return { leaving: "followed", reason: "not_reported" };
    if (made.isNew && made.message) forgetDraft(heed, made.message);
    return { leaving: "as_written", reason: reasonOf(error) };
  } finally {
    deadline.end();
  }
}

/**
 * @param {ComposedItem} item @param {Heed} heed @param {import("./deadline.js").Deadline} deadline
 * @param {{ message: string | null, isNew: boolean, isInPlace: boolean }} made
 */
async function prepareAndReplace(item, heed, deadline, made) {
  const { within, signal } = deadline;
  const ids = await within(item.readIds());
  await within(check(item));
  const mail = await within(readMail(item));
  made.message = ids.message ? await within(changeDraft(heed, ids.message, mail, signal)) : null;
  if (!made.message) {
    made.message = await makeMessage(item, heed, deadline, mail);
    made.isNew = true;
  }
  const prepared = await within(heed.ask("POST", `/messages/${made.message}/prepare`, { signal }));
  if (prepared.copies.length !== 1) throw new AsWritten("copies");
  await within(item.mark(prepared.mark).catch(ignored));
  await within(replaceBody(item, mail, prepared.copies[0]));
  made.isInPlace = true;
  await within(item.saveIds({ message: made.message, prepared: made.message }).catch(ignored));
  const report = { body: { sent_at: new Date().toISOString() }, keepalive: true };
  await within(heed.ask("POST", `/messages/${made.message}/sent`, report));
}

/** What the mail does without: its following stands on the body alone. */
const ignored = () => {};

/**
 * Change the draft that keeps the writer's choices; null where it is gone.
 * @param {Heed} heed @param {string} message @param {object} mail @param {AbortSignal} signal @returns {Promise<string | null>}
 */
async function changeDraft(heed, message, mail, signal) {
  try {
    return (await heed.ask("PATCH", `/messages/${message}`, { body: mail, signal })).id;
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

/** Check that Heed can follow the mail. Rejects with AsWritten. @param {ComposedItem} item */
async function check(item) {
  const [kind, sender] = await Promise.all([item.itemClass(), item.sender()]);
  const reason = whyNot(kind, sender, item.ownAddress);
  if (reason) throw new AsWritten(reason);
}

/**
 * Tell why Heed cannot follow a mail, as a code; empty where it can.
 * @param {string} kind the item's class @param {string} sender @param {string} ownAddress of the signed-in person
 */
export function whyNot(kind, sender, ownAddress) {
  if (/^IPM\.Note\.(SMIME|Secure|rpmsg)/i.test(kind)) return "sealed";
  if (sender && ownAddress && sender.toLowerCase() !== ownAddress.toLowerCase()) return "other_mailbox";
  return "";
}

/** Read what Heed has to know of the mail. Rejects with AsWritten. @param {ComposedItem} item */
async function readMail(item) {
  const [people, subject, type] = await Promise.all([item.recipients(), item.subject(), item.bodyType()]);
  if (people.to.length + people.cc.length + people.bcc.length > MOST_RECIPIENTS) throw new AsWritten("too_many");
  const body = await item.body(type);
  if (body.length > MOST_CHARACTERS) throw new AsWritten("too_large");
  return { ...people, subject, html: type === "html" ? body : null, text: type === "text" ? body : null };
}

/**
 * @param {ComposedItem} item @param {Heed} heed @param {import("./deadline.js").Deadline} deadline
 * @param {object} mail @returns {Promise<string>} the id of the message
 */
async function makeMessage(item, heed, { within, signal }, mail) {
  const from = await within(heed.me(signal));
  const answered = item.inReplyTo ? await within(findMessage(heed, item.inReplyTo)) : null;
  const thread = answered ? { in_reply_to: answered } : {};
  const body = { ...mail, ...thread, from, ...AS_ONE };
  return (await within(heed.ask("POST", "/messages", { body, signal }))).id;
}

/** Fields of every message of the add-in: Outlook sends one mail to all. */
export const AS_ONE = { copies: "one", metadata: { source: "outlook" } };

/** Find the message with a Message-ID; null where Heed has none. @param {Heed} heed @param {string} messageId */
export async function findMessage(heed, messageId) {
  try {
    const { items } = await heed.get("/messages", { message_id: messageId, limit: 1 });
    return items.length ? /** @type {string} */ (items[0].id) : null;
  } catch (error) {
    if (error instanceof Refusal && error.status === 422) return null; // It is no Message-ID.
    throw error;
  }
}

/** @param {ComposedItem} item @param {{ html: string | null, text: string | null }} mail @param {any} copy */
async function replaceBody(item, mail, copy) {
  const type = mail.html === null ? "text" : "html";
  const body = copy[type];
  if (body === null || body === mail[type]) return;
  if (body.length > MOST_CHARACTERS) throw new AsWritten("too_large");
  await item.setBody(body, type);
}

/** Remove the draft of a mail that leaves as it was written. Nothing waits for it. @param {Heed} heed @param {string} message */
function forgetDraft(heed, message) {
  heed.ask("DELETE", `/messages/${message}`, { keepalive: true }).catch(ignored);
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof TimeOver) return "too_late";
  if (error instanceof AsWritten) return error.message;
  return error instanceof Refusal ? error.code : "outlook";
}
