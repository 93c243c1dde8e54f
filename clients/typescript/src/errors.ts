/** A field of the request that is wrong. */
export interface FieldFault {
  /** The path to the field, such as `["to", 0, "email"]`. */
  loc: (string | number)[];
  /** What is wrong, in a stable word. */
  code: string;
  /** What is wrong, in a sentence. */
  msg: string;
}

/** A request that was refused or failed. Decide by `code`; `/api/errors` of a deployment lists all codes. */
export class HeedError extends Error {
  override readonly name = "HeedError";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** A stable word such as `version_mismatch`; `unknown` where the answer was none of Heed's. */
    readonly code: string,
    /** What went wrong, in a sentence for people. */
    readonly detail: string,
    /** The id of the request, by which the operator finds it in the log. */
    readonly requestId: string | null,
    /** The fields that are wrong, for 422. */
    readonly faults: FieldFault[],
  ) {
    super(`${status} ${code}: ${detail}`);
  }
}

const UNKNOWN = "unknown";

/**
 * Whether an answer below 400 is a proxy's or a sign-in page's: the API leads nowhere, and names requests.
 *
 * Browsers show of a redirect its type alone.
 */
export function isNoneOfHeeds(response: Response, schemaPath: string): boolean {
  if (isRedirect(response)) return schemaPath.startsWith("/api/");
  const kind = response.headers.get("Content-Type")?.toLowerCase() ?? "";
  return kind.startsWith("text/html") && !response.headers.has("X-Request-Id");
}

/** Make the error of a page whose cursor leads to the page itself, as a cache between may answer. */
export function repeatedPage(): HeedError {
  const detail = "The page names itself as the next one, so that the list would never end.";
  return new HeedError(200, UNKNOWN, detail, null, []);
}

/** Make the error of an answer from 400 on, or of one that is none of Heed's. Proxies' answers are no problem documents, and get along. */
export async function errorOf(response: Response): Promise<HeedError> {
  const problem = parsed(await response.text());
  return new HeedError(
    response.status,
    problem.code ?? UNKNOWN,
    problem.detail ?? ownWords(response),
    response.headers.get("X-Request-Id"),
    problem.errors ?? [],
  );
}

function isRedirect({ type, status }: Response): boolean {
  return type === "opaqueredirect" || [301, 302, 303, 307, 308].includes(status);
}

function ownWords(response: Response): string {
  if (isRedirect(response)) {
    return `The answer leads to ${response.headers.get("Location") ?? "another address"}, where nothing was sent.`;
  }
  return response.status >= 400 ? response.statusText : "The answer is a page in HTML, and none of Heed's.";
}

interface Problem {
  code?: string;
  detail?: string;
  errors?: FieldFault[] | null;
}

function parsed(text: string): Problem {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === "object" && problem !== null ? problem : {};
  } catch {
    return {};
  }
}
