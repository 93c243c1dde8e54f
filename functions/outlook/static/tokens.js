/** The person's token: kept in the session storage of the pane, and never in the mailbox. */

const TOKEN = "heed.token";
const ENDS = "heed.ends";
const OTHER = "heed.known.";
const MARGIN = 60_000; // Milliseconds before its end at which a token counts as over.

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Store */

/** The session storage; where the browser keeps a frame of Outlook from it, memory. @returns {Store} */
export function sessionStore() {
  try {
    return sessionStorage;
  } catch (error) {
    /** @type {Map<string, string>} */
    const kept = new Map();
    return {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => void kept.set(name, value),
      removeItem: (name) => void kept.delete(name),
    };
  }
}

/**
 * @typedef {{ token: string, ends: number }} Granted `ends` is in milliseconds since 1970
 *
 * @param {Store} store
 * @param {() => Promise<Granted | null>} inSilence gets a token without asking the person
 */
export function keepTokens(store, inSilence) {
  const forget = () => [TOKEN, ENDS, `${OTHER}me`].forEach((name) => store.removeItem(name));

  /** @param {Granted} granted */
  function keep(granted) {
    store.setItem(TOKEN, granted.token);
    store.setItem(ENDS, `${granted.ends}`);
  }

  async function renewed() {
    const granted = await inSilence().catch(() => null);
    if (!granted) return null;
    keep(granted);
    return granted.token;
  }

  return {
    current: async () => {
      const kept = store.getItem(TOKEN);
      return kept && Number(store.getItem(ENDS)) - MARGIN > Date.now() ? kept : renewed();
    },
    /** @param {string} old */
    renewed: async (old) => {
      const fresh = await renewed();
      if (fresh && fresh !== old) return fresh;
      forget();
      return null;
    },
    /** Take a token that a person has signed in for. @param {Granted} granted */
    signedIn: (granted) => {
      forget();
      keep(granted);
    },
    /** @param {string} name */
    remembered: (name) => store.getItem(OTHER + name),
    /** @param {string} name @param {string} value */
    remember: (name, value) => store.setItem(OTHER + name, value),
  };
}
