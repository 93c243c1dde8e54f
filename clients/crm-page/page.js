// A page of a CRM that shows one record's mails and cards. It acts as the user who looks at it, by a token that the
// CRM's server makes (POST /users/{user}/tokens); no key comes into the browser.
const { heed, organization, record, token: tokenAddress } = document.querySelector("main").dataset;
const status = document.querySelector("[role=status]");
let current = { token: "", expires_at: 0 };

/** Get a token that is good for a minute at least. */
async function token() {
  if (Date.parse(current.expires_at) - Date.now() > 60_000) return current.token;
  const answer = await fetch(tokenAddress, { method: "POST" });
  if (!answer.ok) throw new Error("Please sign in again.");
  current = await answer.json();
  return current.token;
}

/** Call Heed; `path` is what follows the organization. */
async function call(method, path) {
  const headers = { Authorization: `Bearer ${await token()}` };
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  const answer = await fetch(`${heed}/api/orgs/${organization}${path}`, { method, headers });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

/** Make an element. Texts are never read as HTML: subjects come from outside. */
function element(name, text, ...children) {
  const made = document.createElement(name);
  made.append(text, ...children);
  return made;
}

function mailItem({ subject, status_text: said, kpis }) {
  const counts = `Opens ${kpis.opens} · Clicks ${kpis.clicks} · Replies ${kpis.replies}`;
  return element("li", "", element("strong", subject || "(no subject)"), element("p", `${said} · ${counts}`));
}

function cardItem({ id, title, text, actions }) {
  const item = element("li", "", element("strong", title), element("p", text));
  if (!actions.includes("dismiss")) return item;
  const button = element("button", "Dismiss");
  button.setAttribute("aria-label", `Dismiss: ${title}`);
  button.addEventListener("click", () => attempt(() => call("POST", `/cards/${id}/dismiss`).then(show)));
  item.append(button);
  return item;
}

function isAboutRecord({ regarding, recipient }) {
  return [regarding, recipient?.record].some((each) => each && `${each.type}/${each.id}` === record);
}

function fill(list, items) {
  document.getElementById(list).replaceChildren(...(items.length ? items : [element("li", "Nothing yet.")]));
}

async function show() {
  const mails = `/messages?record=${encodeURIComponent(record)}&sort=-sent_at`;
  const [messages, cards] = await Promise.all([call("GET", mails), call("GET", "/cards?status=open&limit=200")]);
  fill("mails", messages.items.map(mailItem));
  fill("cards", cards.items.filter(isAboutRecord).map(cardItem));
}

/** Do something, and say so where it fails. */
async function attempt(work) {
  status.textContent = await work().then(() => "", (error) => `This did not work: ${error.message}`);
}

document.addEventListener("visibilitychange", () => document.hidden || attempt(show));
attempt(show);
