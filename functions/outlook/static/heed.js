/** Calls of Heed's API, as the person who has signed in. */

const PATIENCE = 30_000; // Milliseconds that an answer may take.

/** An answer of Heed that is no success, or none at all: then the status is 0. */
export class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} [detail] the sentence of Heed, in English */
  constructor(status, code, detail = "") {
    super(detail || code);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/**
 * @typedef {object} Tokens
 * @property {() => Promise<string | null>} current the person's token, or null where a person has to sign in
 * @property {(old: string) => Promise<string | null>} renewed another one than this, which Heed has refused
 * @property {(name: string) => string | null} remembered
 * @property {(name: string, value: string) => void} remember
 *
 * @typedef {object} Asking
 * @property {object} [body]
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive] whether the request outlives the page
 */

/** @param {{ organization: string, origin: string, tokens: Tokens }} settings */
export function connect({ organization, origin, tokens }) {
  const base = `${origin}/api/orgs/${encodeURIComponent(organization)}`;

  /**
   * @param {string} method @param {string} path @param {Asking} [asking]
   * @returns {Promise<any>} the answer's JSON; rejects with Refusal
   */
  async function ask(method, path, asking = {}) {
    const token = await tokens.current();
    if (!token) throw new Refusal(401, "not_signed_in");
    let answer = await request(token, method, path, asking);
    if (answer.status === 401) {
      const other = await tokens.renewed(token);
      if (!other) throw new Refusal(401, "not_signed_in");
      answer = await request(other, method, path, asking);
    }
    const json = await answer.json().catch(() => null);
    if (answer.ok) return json;
    throw new Refusal(answer.status, (json && json.code) || "no_answer", (json && json.detail) || "");
  }

  /** @param {string} token @param {string} method @param {string} path @param {Asking} asking */
  async function request(token, method, path, { body, signal, keepalive }) {
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${token}` };
    if (body) headers["Content-Type"] = "application/json";
    const ends = signal || AbortSignal.timeout(PATIENCE);
    const init = { method, headers, signal: ends, keepalive, cache: /** @type {const} */ ("no-store") };
    try {
      return await fetch(base + path, body ? { ...init, body: JSON.stringify(body) } : init);
    } catch (error) {
      throw new Refusal(0, "offline");
    }
  }

  return {
    organization,
    ask,
    /** @param {string} path @param {Record<string, string | number>} [query] */
    get: (path, query = {}) => {
      const given = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
      return ask("GET", given.length ? `${path}?${given.join("&")}` : path);
    },
    /** The user whom Heed takes the person for. @param {AbortSignal} [signal] @returns {Promise<{ id: string, email: string }>} */
    me: async (signal) => {
      const known = tokens.remembered("me");
      if (known) return JSON.parse(known);
      const id = (await ask("GET", "/whoami", { signal })).acting_user;
      if (!id) throw new Refusal(403, "no_user");
      const { email } = await ask("GET", `/users/${encodeURIComponent(id)}`, { signal });
      tokens.remember("me", JSON.stringify({ id, email }));
      return { id, email };
    },
    /** The address of a message in Heed's console. @param {string} message */
    page: (message) => `${origin}/console/messages/${encodeURIComponent(message)}`,
  };
}

/** @typedef {ReturnType<typeof connect>} Heed */
