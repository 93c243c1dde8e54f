// Reads mails (a JSON list of base64) from standard input, and prints what their headers say, as JSON.
import { readFileSync } from "node:fs";
import PostalMime from "postal-mime";

const mailboxes = (list) => (list ?? []).map(({ name, address }) => [name, address]);
const read = [];
for (const mail of JSON.parse(readFileSync(0, "utf8"))) {
  const { from, to, cc, subject, attachments } = await PostalMime.parse(Buffer.from(mail, "base64"));
  const files = attachments.map(({ filename, mimeType, method }) => [filename, mimeType, method ?? null]);
  read.push({ from: mailboxes([from]), to: mailboxes(to), cc: mailboxes(cc), subject: subject ?? "", files });
}
console.log(JSON.stringify(read));
