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

/** Make the error of an answer from 400 on. Proxies' answers are no problem documents, and get along. */
export async function errorOf(response: Response): Promise<HeedError> {
  const problem = parsed(await response.text());
  return new HeedError(
    response.status,
    problem.code ?? "unknown",
    problem.detail ?? response.statusText,
    response.headers.get("X-Request-Id"),
    problem.errors ?? [],
  );
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
