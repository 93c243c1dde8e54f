/** The handler of Outlook's event `OnMessageSend`. Mail is never held back: not by an error, and not by silence. */

import { connect } from "./heed.js";
import { composedItem } from "./outlook.js";
import { leave } from "./sending.js";
import { inSilence, readSettings } from "./signing_in.js";
import { keepTokens, sessionStore } from "./tokens.js";

/** @param {Office.MailboxEvent} event */
async function onMessageSend(event) {
  try {
    // Classic Outlook on Windows has no document here, and no way to a token.
    if (typeof document !== "undefined") await prepare();
  } finally {
    event.completed({ allowEvent: true });
  }
}

async function prepare() {
  const settings = readSettings();
  const tokens = keepTokens(sessionStore(), () => inSilence(settings));
  const heed = connect({ organization: settings.organization, origin: location.origin, tokens });
  const { item, userProfile } = Office.context.mailbox;
  const { leaving, reason } = await leave(composedItem(/** @type {any} */ (item), userProfile.emailAddress), heed);
  console.info(`Heed: ${leaving} ${reason}`); // For who looks why a mail is not followed.
}

Office.actions.associate("onMessageSend", onMessageSend);
