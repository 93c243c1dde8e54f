/** Heed's API for programs: generated types with keys, retries, errors and pages around them. */

import createClient, { type Client } from "openapi-fetch";
import { errorOf, isNoneOfHeeds, repeatedPage } from "./errors.js";
import { type Retries, repeating } from "./repeating.js";
import type { components, paths } from "./schema.js";

export { type FieldFault, HeedError } from "./errors.js";
export type { Retries } from "./repeating.js";
export type { components, operations, paths } from "./schema.js";

/** The shapes of the API, by name: `Schemas["MessageRead"]`. */
export type Schemas = components["schemas"];

/** Media types that answers are read as. Lists come as CSV, too, where a program asks for that by itself. */
type Media = `application/${string}` | "message/rfc822" | "text/html";

export interface HeedOptions {
  /** Where Heed is, such as `https://heed.example.com`. */
  baseUrl: string;
  /** A key of the organization, for servers, or a user's token, for browsers. A function is asked for each request. */
  key: string | (() => string | Promise<string>);
  /** The acting user, whom a call may replace by its header `X-Heed-User`. */
  user?: string;
  retries?: Retries;
  /** Replaces the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

interface Page<Item> {
  items: Item[];
  next: string | null;
}

interface FeedPage {
  next: string;
  more: boolean;
}

type Reply<Data> = Promise<{ data?: Data }>;

export class Heed {
  /** Calls of the API, by method and path, as openapi-fetch has them. They throw HeedError for answers from 400 on. */
  readonly api: Client<paths, Media>;

  /** Throws for an address that would show the key to others. */
  constructor({ baseUrl, key, user, retries, fetch = (request) => globalThis.fetch(request) }: HeedOptions) {
    checkAddress(baseUrl);
    this.api = createClient<paths, Media>({
      baseUrl,
      fetch: repeating(fetch, retries),
      redirect: "manual", // the API leads nowhere, and what is sent is for Heed alone
      ...(user === undefined ? {} : { headers: { "X-Heed-User": user } }),
    });
    this.api.use({
      async onRequest({ request }) {
        request.headers.set("Authorization", `Bearer ${typeof key === "string" ? key : await key()}`);
      },
      async onResponse({ response, schemaPath }) {
        if (response.status >= 400 || isNoneOfHeeds(response, schemaPath)) throw await errorOf(response);
      },
    });
  }

  /** Wait for a call, and return what it answers. */
  async answer<Data>(reply: Reply<Data>): Promise<Data> {
    return (await reply).data as Data;
  }

  /** Yield the items of a list, page after page, as they are needed. `read` asks for the page at a cursor. */
  async *items<Item>(read: (cursor?: string) => Reply<Page<Item>>): AsyncGenerator<Item> {
    let page = await this.answer(read());
    yield* page.items;
    while (page.next !== null) {
      const cursor: string = page.next;
      page = await this.answer(read(cursor));
      if (page.next === cursor) throw repeatedPage();
      yield* page.items;
    }
  }

  /**
   * Yield pages of the feed until there is no more for now. `read` asks for the page behind a cursor.
   *
   * Deal with a page's `items`, then keep its `next`: begin there the next time, also after a restart.
   */
  async *changes<Feed extends FeedPage>(read: (after?: string) => Reply<Feed>, after?: string): AsyncGenerator<Feed> {
    for (let more = true; more; ) {
      const page = await this.answer(read(after));
      if (page.more && page.next === after) throw repeatedPage();
      yield page;
      ({ next: after, more } = page);
    }
  }
}

function checkAddress(baseUrl: string): void {
  const { protocol, hostname } = new URL(baseUrl);
  const isThisMachine = hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
  if (protocol !== "https:" && !(protocol === "http:" && isThisMachine)) {
    throw new TypeError(`${baseUrl} would show the key to others: use https`);
  }
}
