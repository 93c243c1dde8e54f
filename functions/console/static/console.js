// What a page does by itself, beyond what works without scripts: it refreshes, loads more, and lets messages vanish.
"use strict";

const parsed = async (address) => {
  const response = await fetch(address, { headers: { "Sec-Purpose": "refresh" } });
  if (!response.ok || response.redirected) throw new Error("the page cannot be had now");
  return new DOMParser().parseFromString(await response.text(), "text/html");
};

// A part is being used while something in it has the focus, or was opened by hand.
const isInUse = (part) =>
  part.contains(document.activeElement) || part.querySelector("details[open]") !== null || part.dataset.grown === "yes";

// The icons of what a page brings may be new to this one.
const takeIcons = (page) => {
  for (const shape of page.querySelectorAll(".sprite symbol"))
    if (!document.getElementById(shape.id)) document.querySelector(".sprite").append(shape);
};

const refresh = async (part) => {
  if (document.hidden || isInUse(part)) return;
  try {
    const page = await parsed(location.href);
    const fresh = page.getElementById(part.id);
    if (!fresh || isInUse(part) || fresh.innerHTML === part.innerHTML) return;
    part.replaceChildren(...fresh.childNodes);
    takeIcons(page);
  } catch {
    // The next time may go better; what is shown stays true as of its time.
  }
};

for (const part of document.querySelectorAll("[data-refresh]"))
  setInterval(() => refresh(part), Number(part.dataset.refresh) * 1000);

for (const part of document.querySelectorAll("[data-refresh-page]"))
  setTimeout(() => location.reload(), Number(part.dataset.refreshPage) * 1000);

for (const part of document.querySelectorAll("[data-vanishes]")) {
  // What was said once is not said again by a reload; filters in the address stay.
  const address = new URL(location.href);
  for (const name of (part.dataset.forgets ?? "did").split(" ")) address.searchParams.delete(name);
  history.replaceState(null, "", address);
  const vanish = () => (part.matches(":hover, :focus-within") ? setTimeout(vanish, 2000) : part.remove());
  setTimeout(vanish, Number(part.dataset.vanishes) * 1000);
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-more]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.setAttribute("aria-busy", "true");
  try {
    const page = await parsed(link.href);
    const find = (root) => root.getElementById(link.dataset.more);
    const [list, more] = [find(document), find(page)];
    const rows = (each) => each.tBodies?.[0] ?? each;
    const first = rows(more).firstElementChild;
    rows(list).append(...rows(more).children);
    const part = list.closest("[data-refresh]");
    if (part) part.dataset.grown = "yes";
    const next = page.querySelector(`a[data-more="${link.dataset.more}"]`);
    if (next) link.href = next.href;
    else link.remove();
    link.removeAttribute("aria-busy");
    first?.querySelector("a")?.focus();
    takeIcons(page);
  } catch {
    location.href = link.href;
  }
});
