/** The pane: who is signed in, which mail is shown, and what is said of it. */

import { composing } from "./composing.js";
import { composeView } from "./compose_view.js";
import { button, make } from "./elements.js";
import { Refusal, connect } from "./heed.js";
import { composedItem, readItem } from "./outlook.js";
import { readView } from "./read_view.js";
import { reading } from "./reading.js";
import { canSignIn, inSilence, readSettings, signIn } from "./signing_in.js";
import { keepTokens, sessionStore } from "./tokens.js";
import { languageOf, makeWords } from "./words.js";

const PAUSE = 600; // Milliseconds without a change of recipients after which the pane looks again.

const settings = readSettings();
const tokens = keepTokens(sessionStore(), () => inSilence(settings));
const heed = connect({ organization: settings.organization, origin: location.origin, tokens });
const content = /** @type {HTMLElement} */ (document.getElementById("content"));
const status = /** @type {HTMLElement} */ (document.querySelector("[role=status]"));

/** @type {import("./words.js").Words} */
let words;
/** What was typed since the mail is shown, by the ids of fields: a look in between leaves it. @type {Map<string, string>} */
const typed = new Map();
content.addEventListener("input", ({ target }) => {
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) typed.set(target.id, target.value);
});

let looks = 0; // Counts looks: one that is overtaken shows nothing.

/** Look at the mail that Outlook shows, and show what Heed says. */
async function show() {
  const look = ++looks;
  content.setAttribute("aria-busy", "true");
  /** @type {(Node | null)[]} */
  let parts;
  try {
    parts = (await tokens.current()) ? await partsOf(Office.context.mailbox) : [door()];
  } catch (error) {
    parts = [problem(error)];
  }
  if (look !== looks) return;
  const focused = content.contains(document.activeElement) ? document.activeElement : null;
  content.replaceChildren(...parts.filter((each) => each !== null));
  content.removeAttribute("aria-busy");
  typed.forEach((value, id) => {
    const field = /** @type {HTMLInputElement | null} */ (document.getElementById(id));
    if (field) field.value = value;
  });
  // The button that was pressed may be gone.
  if (focused) ((focused.id && document.getElementById(focused.id)) || content).focus();
}

/** @param {Office.Mailbox} mailbox */
async function partsOf({ item, userProfile }) {
  if (!item) return [make("p", { class: "note" }, words.say("no_mail"))];
  if ("internetMessageId" in item) {
    const mail = readItem(/** @type {any} */ (item), userProfile.emailAddress);
    const work = reading(mail, heed);
    return readView(await work.look(), work, mail, heed, words, act);
  }
  const mail = composedItem(/** @type {any} */ (item), userProfile.emailAddress);
  watch(mail, item);
  const work = composing(mail, heed);
  const look = await work.look();
  const parts = await composeView(look, work, heed, words, act);
  return look.reason === "other_person" ? [...parts, door()] : parts;
}

/** @type {unknown} */
let watched = null;
let timer = 0;

/** Look again once recipients have changed. @param {import("./outlook.js").ComposedItem} mail @param {unknown} item */
function watch(mail, item) {
  if (watched === item) return;
  watched = item;
  mail.onRecipients(() => {
    clearTimeout(timer);
    timer = window.setTimeout(show, PAUSE);
  });
}

/** Do what a button asks for, say what came of it, and look again. @type {import("./compose_view.js").Do} */
async function act(work, done) {
  status.replaceChildren();
  try {
    const said = await work();
    if (typeof said === "string") done = said;
  } catch (error) {
    status.replaceChildren(problem(error));
    return;
  }
  if (done) status.replaceChildren(make("p", { class: "note" }, done));
  await show();
}

/** The way in. */
function door() {
  if (!canSignIn(settings)) return make("p", { class: "note" }, words.say("cannot_sign_in"));
  const enter = button(words.say("sign_in"), () => act(async () => tokens.signedIn(await signIn(settings))), "primary");
  return make("section", {}, make("p", {}, words.say("please_sign_in")), make("p", { class: "acts" }, enter));
}

/** @param {unknown} error */
function problem(error) {
  if (error instanceof Refusal && error.status === 401) return door();
  const code = error instanceof Refusal ? error.code : "outlook";
  const isHeeds = error instanceof Refusal && error.detail && !words.has(`problem_${code}`);
  const said = isHeeds ? make("span", { lang: "en" }, error.detail) : words.say(words.has(`problem_${code}`) ? `problem_${code}` : "problem_other");
  return make("div", { class: "wrong", role: "alert" }, said, button(words.say("again"), show, "small"));
}

Office.onReady(async () => {
  const language = languageOf(Office.context.displayLanguage);
  const texts = await fetch(new URL(`texts/${language}.json`, import.meta.url)).then((answer) => answer.json());
  words = makeWords(texts, language);
  document.documentElement.lang = language;
  // A pinned pane stays while mails change.
  Office.context.mailbox.addHandlerAsync(Office.EventType.ItemChanged, () => {
    typed.clear();
    status.replaceChildren();
    return show();
  });
  await show();
});
