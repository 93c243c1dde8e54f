/** All that is asked of Office.js: items of Outlook with promises, and its dialog. Nothing else here knows Office. */

/** @typedef {{ email: string, name: string }} Person */
/** @typedef {{ message?: string, prepared?: string }} Ids what the item keeps of Heed */

const IDS = /** @type {const} */ (["message", "prepared"]);
const PREFIX = "heed-";
const MARK = "X-Heed-Message";
const LONGEST_NAME = 200;
const LONGEST_SUBJECT = 998;

/**
 * Wait for a call of Office.js. It rejects with the error's code.
 * @template Value @param {(done: (result: Office.AsyncResult<Value>) => void) => void} begin @returns {Promise<Value>}
 */
export function promised(begin) {
  return new Promise((resolve, reject) => {
    begin((result) => {
      if (result.status === Office.AsyncResultStatus.Succeeded) resolve(result.value);
      else reject(new Error(`outlook: ${result.error && result.error.code}`));
    });
  });
}

/** @param {Office.EmailAddressDetails} address @returns {Person} */
function person(address) {
  const { emailAddress, displayName } = address;
  return { email: (emailAddress || "").trim(), name: displayName === emailAddress ? "" : onOneLine(displayName, LONGEST_NAME) };
}

/** A text as Heed takes it: without control characters, and cut between characters. @param {string} text @param {number} longest */
function onOneLine(text, longest) {
  const plain = (text || "").replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ").replace(/\p{Surrogate}/gu, "\ufffd").trim();
  return plain.slice(0, longest).replace(/[\ud800-\udbff]$/, "");
}

/** Whether a mail of this class is signed or encrypted. @param {string} kind */
export const isSealed = (kind) => /^IPM\.Note\.(SMIME|Secure|rpmsg)/i.test(kind);

/** @param {{ loadCustomPropertiesAsync: Office.MessageRead["loadCustomPropertiesAsync"] }} item */
function keptIds(item) {
  /** @type {() => Promise<Office.CustomProperties>} */
  const load = () => promised((done) => item.loadCustomPropertiesAsync(done));
  return {
    /** @returns {Promise<Ids>} */
    readIds: async () => {
      const kept = await load();
      return Object.fromEntries(IDS.map((name) => [name, kept.get(PREFIX + name)]).filter(([, value]) => value));
    },
    /** @param {Ids} ids */
    saveIds: async (ids) => {
      const save = async () => {
        const kept = await load();
        IDS.forEach((name) => (ids[name] ? kept.set(PREFIX + name, ids[name]) : kept.remove(PREFIX + name)));
        await promised((done) => kept.saveAsync(done));
      };
      // The new Outlook may refuse once, while the mail was never saved.
      await save().catch(save);
    },
  };
}

/** A mail that is being written. @param {Office.MessageCompose} item @param {string} ownAddress */
export function composedItem(item, ownAddress) {
  /** @type {(type: "html" | "text") => Office.CoercionType} */
  const coercion = (type) => (type === "html" ? Office.CoercionType.Html : Office.CoercionType.Text);
  /** @type {(field: Office.Recipients) => Promise<Person[]>} */
  const people = async (field) => {
    /** @type {Office.EmailAddressDetails[]} */
    const found = await promised((done) => field.getAsync(done));
    return found.map(person);
  };
  return {
    ...keptIds(item),
    ownAddress,
    /** The Message-ID of the mail that it answers; empty where there is none, or Outlook does not tell. */
    inReplyTo: item.inReplyTo || "",
    /** @returns {Promise<string>} empty where Outlook does not tell */
    itemClass: async () => {
      if (typeof item.getItemClassAsync !== "function") return "";
      return promised((done) => item.getItemClassAsync(done));
    },
    /** Whether it answers or forwards another mail, as far as Outlook tells. @returns {Promise<boolean>} */
    hasMailBefore: async () => {
      if (item.inReplyTo || typeof item.getComposeTypeAsync !== "function") return Boolean(item.inReplyTo);
      const { composeType } = await promised((done) => item.getComposeTypeAsync(done));
      return composeType !== Office.MailboxEnums.ComposeType.NewMail;
    },
    /** @returns {Promise<string>} the address in From */
    sender: async () => {
      /** @type {Office.EmailAddressDetails} */
      const from = await promised((done) => item.from.getAsync(done));
      return from.emailAddress;
    },
    recipients: async () => {
      const [to, cc, bcc] = await Promise.all([people(item.to), people(item.cc), people(item.bcc)]);
      return { to, cc, bcc };
    },
    /** @returns {Promise<string>} */
    subject: async () => {
      /** @type {string} */
      const subject = await promised((done) => item.subject.getAsync(done));
      return onOneLine(subject, LONGEST_SUBJECT);
    },
    /** @param {string} subject @returns {Promise<void>} */
    setSubject: (subject) => promised((done) => item.subject.setAsync(subject, done)),
    /** @returns {Promise<"html" | "text">} */
    bodyType: async () => {
      /** @type {Office.CoercionType} */
      const type = await promised((done) => item.body.getTypeAsync(done));
      return type === Office.CoercionType.Html ? "html" : "text";
    },
    /** @param {"html" | "text"} type @returns {Promise<string>} */
    body: (type) => promised((done) => item.body.getAsync(coercion(type), done)),
    /** @param {string} body @param {"html" | "text"} type @returns {Promise<void>} */
    setBody: (body, type) => promised((done) => item.body.setAsync(body, { coercionType: coercion(type) }, done)),
    /** Put content where the cursor is. @param {string} body @param {"html" | "text"} type @returns {Promise<void>} */
    insert: (body, type) =>
      promised((done) => item.body.setSelectedDataAsync(body, { coercionType: coercion(type) }, done)),
    /** Put Heed's mark into the header that the mail leaves with. @param {string} mark @returns {Promise<void>} */
    mark: (mark) => promised((done) => item.internetHeaders.setAsync({ [MARK]: mark }, done)),
    /** @param {() => void} changed */
    onRecipients: (changed) => item.addHandlerAsync(Office.EventType.RecipientsChanged, changed),
  };
}

/** A mail that is read. @param {Office.MessageRead} item @param {string} ownAddress */
export function readItem(item, ownAddress) {
  return {
    ...keptIds(item),
    ownAddress,
    messageId: item.internetMessageId || "",
    subject: onOneLine(item.subject, LONGEST_SUBJECT),
    from: person(item.from),
    isSealed: isSealed(item.itemClass || ""),
    at: item.dateTimeCreated,
    /** Whether Outlook can hand over the mail as it came. */
    canBeRead: typeof item.getAsFileAsync === "function",
    /** @returns {Promise<string>} the mail as it came, in base64 */
    mime: () => promised((done) => item.getAsFileAsync(done)),
  };
}

/**
 * Open a page of this host in a dialog, and wait for what it says. Rejects where it is closed before.
 * @param {string} address @returns {Promise<string>}
 */
export async function askInDialog(address) {
  /** @type {Office.Dialog} */
  const dialog = await promised((done) =>
    Office.context.ui.displayDialogAsync(address, { height: 60, width: 30, promptBeforeOpen: false }, done),
  );
  return new Promise((resolve, reject) => {
    dialog.addEventHandler(Office.EventType.DialogMessageReceived, (said) => {
      dialog.close();
      // Only Outlook's hosts without DialogOrigin leave the origin out, and there is no dialog with those.
      if ("message" in said && said.origin === location.origin) resolve(said.message);
      else reject(new Error("dialog"));
    });
    dialog.addEventHandler(Office.EventType.DialogEventReceived, () => reject(new Error("closed")));
  });
}

/** @param {string} name @param {string} version */
export const isSupported = (name, version) => Office.context.requirements.isSetSupported(name, version);

/** @typedef {ReturnType<typeof composedItem>} ComposedItem */
/** @typedef {ReturnType<typeof readItem>} ReadItem */
