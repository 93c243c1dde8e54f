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
    text(problem.code) || UNKNOWN,
    text(problem.detail) || ownWords(response),
    response.headers.get("X-Request-Id"),
    faults(problem.errors),
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

type Fields = Record<string, unknown>;

function parsed(body: string): Fields {
  try {
    return fields(JSON.parse(body));
  } catch {
    return {};
  }
}

/** Return the fields of an object; none of anything else. */
function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** Return a value that is a text; empty where it is none. */
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Read the fields that are wrong. What is no such list is a proxy's, and names none. */
function faults(errors: unknown): FieldFault[] {
  const found: unknown[] = Array.isArray(errors) ? errors : [];
  return found
    .filter((each) => typeof each === "object" && each !== null && !Array.isArray(each))
    .map(fields)
    .map(({ loc, code, msg }) => ({
      loc: (Array.isArray(loc) ? loc : []).filter((part) => typeof part === "string" || Number.isInteger(part)),
      code: text(code) || "invalid",
      msg: text(msg),
    }));
}
