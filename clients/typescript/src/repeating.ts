/** Limits of repeating a request. */
export interface Retries {
  /** How often a request is sent at most; 4 if not given. */
  attempts?: number;
  /** Milliseconds before the second attempt where the answer names none, doubled for each one more; 500 if not given. */
  firstPause?: number;
  /** Milliseconds: a longer pause that an answer asks for is left to the caller, as an error; 30,000 if not given. */
  longestPause?: number;
}

type Send = (request: Request) => Promise<Response>;

const KEY = "Idempotency-Key";

/** Statuses that say to come again, whatever the method was. */
const BUSY = [429, 503];

/** Statuses of a gateway that has no answer: the request may have been carried out. */
const LOST = [502, 504];

/**
 * Make a `fetch` that sends requests again where that is safe.
 *
 * A POST gets an `Idempotency-Key`, so that its repetition is answered with its first answer and does nothing twice.
 */
export function repeating(send: Send, { attempts = 4, firstPause = 500, longestPause = 30_000 }: Retries = {}): Send {
  return async (request) => {
    if (request.method === "POST" && !request.headers.has(KEY)) {
      request.headers.set(KEY, crypto.randomUUID());
    }
    for (let attempt = 1; ; attempt++) {
      let response: Response | undefined;
      try {
        // A request's body can be read once: each attempt but the last possible one sends a copy.
        response = await send(attempt < attempts ? request.clone() : request);
        if (!mayRepeat(request, response)) return response;
      } catch (error) {
        if (attempt >= attempts || request.signal.aborted || !isSafeToRepeat(request)) throw error;
      }
      const asked = response && askedPause(response);
      if (response && (attempt >= attempts || (asked ?? 0) > longestPause)) return response;
      await response?.body?.cancel();
      const jitter = 0.5 + Math.random();
      await pause(asked ?? Math.min(longestPause, firstPause * 2 ** (attempt - 1) * jitter), request.signal);
    }
  };
}

function mayRepeat(request: Request, response: Response): boolean {
  if (BUSY.includes(response.status)) return true;
  // The first attempt is still under way.
  if (response.status === 409) return request.headers.has(KEY) && response.headers.has("Retry-After");
  return LOST.includes(response.status) && isSafeToRepeat(request);
}

/**
 * Whether doing it twice is as doing it once, and is answered alike.
 *
 * A change under `If-Match` would be answered with 412 the second time, and a deletion with 404.
 */
function isSafeToRepeat({ method, headers }: Request): boolean {
  return ["GET", "HEAD", "POST"].includes(method) || (method === "PUT" && !headers.has("If-Match"));
}

/** Return the milliseconds that an answer asks for. Heed names seconds; dates of a proxy's are not read. */
function askedPause(response: Response): number | undefined {
  const asked = response.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(asked) ? Number(asked) * 1000 : undefined;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
  });
}
