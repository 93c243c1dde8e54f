/** Deliveries of webhooks: checked by the library of Standard Webhooks (https://www.standardwebhooks.com), and read. */

import { Webhook } from "standardwebhooks";
import type { components } from "./schema.js";

type FeedEvent = components["schemas"]["FeedEvent"];

interface CloudEvent {
  id: string;
  type: string;
  data: unknown;
}

/** The type of a delivery that `POST /webhooks/{id}/test` makes. */
const TEST = "webhook.test";

/** A delivery that is not to be believed: answer 401 and forget it. */
export class UnverifiedDelivery extends Error {
  override readonly name = "UnverifiedDelivery";
}

export interface Delivery {
  /** The event's id. The same event may be delivered twice: remember the ids that you have dealt with. */
  id: string;
  /** Such as `message.opened`, or `webhook.test`. */
  type: string;
  /** The event as the feed shows it; null for a test. */
  event: FeedEvent | null;
}

/**
 * Check a delivery and read it. Throws UnverifiedDelivery.
 *
 * `body` is what came, not parsed; `headers` are those of a `Request`, or have names in lower case, as Node gives them.
 * Any of the secrets may have signed it.
 */
export function verifyDelivery(
  body: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  ...secrets: string[]
): Delivery {
  const header = (name: string) => String(headers instanceof Headers ? headers.get(name) : headers[name]);
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  const signed = Object.fromEntries(names.map((name) => [name, header(name)]));
  let refusal: unknown = new Error("there is no secret to check it with");
  for (const secret of secrets) {
    try {
      const { id, type, data } = new Webhook(secret).verify(body, signed) as CloudEvent;
      return { id, type, event: type === TEST ? null : (data as FeedEvent) };
    } catch (error) {
      refusal = error;
    }
  }
  throw new UnverifiedDelivery(refusal instanceof Error ? refusal.message : String(refusal));
}
