/** A mail that is read: whether Heed has it, how it was told, and what became of it. The mail's body is not looked at. */

import { readMessage } from "./composing.js";
import { Refusal } from "./heed.js";
import { findMessage, isSameAddress } from "./sending.js";

const MOST_EVENTS = 50;

/**
 * @typedef {import("./outlook.js").ReadItem} ReadItem
 * @typedef {import("./heed.js").Heed} Heed
 *
 * @typedef {object} Found
 * @property {boolean} isOwn whether the person has sent it
 * @property {any} message null where Heed does not have it
 * @property {any[]} events of its timeline, newest first; none of a mail that came in
 * @property {any[]} conversation the mails of its thread, in order
 */

/** @param {ReadItem} item @param {Heed} heed */
export function reading(item, heed) {
  const isOwn = isSameAddress(item.from.email, item.ownAddress);

  /** @returns {Promise<Found>} */
  async function look() {
    const ids = await item.readIds();
    let message = (await ofMessageId()) || (await ofIds(ids));
    if (!message) return { isOwn, message: null, events: [], conversation: [] };
    if (isOwn) message = await tellMessageId(message, ids.prepared === message.id);
    const isSent = message.status !== "received";
    const [timeline, thread] = await Promise.all([
      isSent ? heed.get(`/messages/${message.id}/timeline`, { limit: MOST_EVENTS }) : { items: [] },
      readThread(message),
    ]);
    return { isOwn, message, events: timeline.items, conversation: thread };
  }

  /** @returns {Promise<any>} */
  async function ofMessageId() {
    const id = item.messageId ? await findMessage(heed, item.messageId) : null;
    return id ? readMessage(heed, id) : null;
  }

  /**
   * The message that the item names itself. One of another subject is not it: a forward may have the ids of the mail
   * that it was made from. @param {import("./outlook.js").Ids} ids @returns {Promise<any>}
   */
  async function ofIds(ids) {
    const found = ids.message ? await readMessage(heed, ids.message) : null;
    return found && found.subject === item.subject ? found : null;
  }

  /** Report the Message-ID that Outlook has given the mail, where Heed does not know it. @param {any} message @param {boolean} isPrepared */
  async function tellMessageId(message, isPrepared) {
    const isReported = message.status === "sent" && message.message_id === item.messageId;
    const isOurs = isPrepared && (message.status === "draft" || message.status === "sent");
    if (!isOurs || isReported || !item.messageId) return message;
    const report = { message_id: item.messageId, sent_at: new Date(item.at).toISOString() };
    try {
      return await heed.ask("POST", `/messages/${message.id}/sent`, { body: report });
    } catch (error) {
      return message; // It is shown as it is; the next look reports it again.
    }
  }

  /** @param {any} message @returns {Promise<any[]>} */
  async function readThread(message) {
    try {
      return (await heed.get(`/conversations/${message.conversation}`, { limit: MOST_EVENTS })).items;
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return [];
      throw error;
    }
  }

  /** Track the mail by hand. @param {{ type: string, id: string, name?: string } | null} regarding */
  async function track(regarding) {
    await heed.ask("POST", "/messages/track", { body: { mime: await item.mime(), regarding } });
  }

  return { isOwn, look, track };
}
