// Calls as a CRM writes them: they compile only while the API's document says what they need.
import type { components, paths } from "heed-client";

type Schemas = components["schemas"];

// Nothing but the sender has to be given: fields with defaults are optional.
export const draft: Schemas["NewMessage"] = { from: "rita" };
export const full: Schemas["NewMessage"] = {
  from: "rita",
  to: [{ email: "ada@example.com", name: "Ada", record: { type: "contact", id: "c1" } }],
  subject: "Our offer",
  deliver_at: null,
  reminder: { title: "Call", condition: "no_reply", at: "2026-05-06T09:00:00Z" },
};
export const user: Schemas["UserSpec"] = { email: "rita@acme.example" };
export const optIn: Schemas["UserPatch"] = { opt_in: true };
export const organization: Schemas["OrganizationSpec"] = { name: "Acme", settings: { tracking: "consent" } };

// Every field of an answer is there: no `undefined` to think of.
export function summary(message: Schemas["MessageRead"]): string {
  const opens: number = message.kpis.opens;
  const sent: string | null = message.sent_at;
  const names: string[] = message.to.map((each) => each.email);
  const blocked: string[] = message.follow_state.blocked_by;
  return `${message.status} ${opens} ${sent ?? "not yet"} ${names.join()} ${blocked.length} ${message.etag}`;
}

type List = paths["/api/orgs/{org}/messages"]["get"];
export const query: NonNullable<List["parameters"]["query"]> = { view: "followed", sort: "-sent_at", limit: 20 };
export function cursorOf(page: List["responses"][200]["content"]["application/json"]): string | null {
  return page.next;
}

type Patch = paths["/api/orgs/{org}/messages/{message}"]["patch"];
export const guarded: Patch["parameters"]["header"] = { "If-Match": '"abc"', "X-Heed-User": "rita" };

// An error says what it is in a stable word.
export function retry(problem: Patch["responses"][412]["content"]["application/problem+json"]): boolean {
  return problem.code === "version_mismatch" && (problem.errors ?? []).every((each) => each.code !== "missing");
}

// @ts-expect-error the sender is needed
export const nobody: Schemas["NewMessage"] = { subject: "Hello" };
// @ts-expect-error there is no such field
export const misspelt: Schemas["NewMessage"] = { from: "rita", subjet: "Hello" };
// @ts-expect-error a user is not opted in by null
export const unclear: Schemas["UserPatch"] = { opt_in: null };
