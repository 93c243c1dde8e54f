/** The time that Heed has to answer while Outlook holds a mail back. */

export class TimeOver extends Error {}

/**
 * Begin to count. `within` waits for a promise, and rejects with TimeOver where the time is over first; `signal` ends
 * requests then. `end` stops the count.
 * @param {number} milliseconds
 */
export function startDeadline(milliseconds) {
  const controller = new AbortController();
  /** @type {Promise<never>} */
  const over = new Promise((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(new TimeOver("The time is over.")));
  });
  over.catch(() => {}); // Not everything waits for it.
  const timer = setTimeout(() => controller.abort(), milliseconds);
  return {
    signal: controller.signal,
    /** @template Value @param {Promise<Value>} promise @returns {Promise<Value>} */
    within: (promise) => Promise.race([promise, over]),
    end: () => clearTimeout(timer),
  };
}

/** @typedef {ReturnType<typeof startDeadline>} Deadline */
