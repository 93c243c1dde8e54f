/**
 * Signing in with the organization's own provider: by nested app authentication, where Outlook itself has the person's
 * session, or else in a dialog.
 */

import { Refusal } from "./heed.js";
import { askInDialog, isSupported } from "./outlook.js";

/**
 * What a page of the add-in says of its organization.
 * @typedef {object} Settings
 * @property {string} organization
 * @property {string} client the id of Heed's console and add-in with the provider
 * @property {string} authority the provider, where it is Microsoft's; else empty
 * @property {string} scope
 */

/** @returns {Settings} */
export function readSettings() {
  const { organization = "", client = "", authority = "", scope = "" } = document.documentElement.dataset;
  return { organization, client, authority, scope };
}

/** @type {Promise<any> | null} */
let nested = null;

/** The application that Outlook nests, or null where it cannot. @param {Settings} settings @returns {Promise<any>} */
async function nestedApplication({ client, authority }) {
  const msal = /** @type {any} */ (globalThis).msal;
  if (!msal || !authority || !isSupported("NestedAppAuth", "1.1")) return null;
  nested = nested || msal.createNestablePublicClientApplication({ auth: { clientId: client, authority } });
  return nested;
}

/** @param {any} result @returns {import("./tokens.js").Granted} */
const granted = (result) => ({ token: result.accessToken, ends: result.expiresOn.getTime() });

/** Get a token without asking the person; null where that cannot be. @param {Settings} settings */
export async function inSilence(settings) {
  const application = await nestedApplication(settings);
  return application ? granted(await application.acquireTokenSilent({ scopes: [settings.scope] })) : null;
}

/** Whether this Outlook has a way for a person to sign in. @param {Settings} settings */
export function canSignIn({ client }) {
  return Boolean(client) && (isSupported("NestedAppAuth", "1.1") || isSupported("DialogOrigin", "1.1"));
}

/** Let the person sign in. Rejects with Refusal. @param {Settings} settings @returns {Promise<import("./tokens.js").Granted>} */
export async function signIn(settings) {
  try {
    const application = await nestedApplication(settings);
    if (application) return granted(await application.acquireTokenPopup({ scopes: [settings.scope] }));
    return await inDialog(settings);
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(403, "not_signed_in");
  }
}

/** @param {Settings} settings @returns {Promise<import("./tokens.js").Granted>} */
async function inDialog(settings) {
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16)).join("-");
  const address = `${location.origin}/outlook/${settings.organization}/sign-in?nonce=${nonce}`;
  const said = JSON.parse(await askInDialog(address));
  if (said.wrong) throw new Refusal(403, "refused", said.wrong);
  if (said.nonce !== nonce || !said.token) throw new Error("The dialog has given no token of this sign-in.");
  return { token: said.token, ends: Date.now() + said.seconds * 1_000 };
}
