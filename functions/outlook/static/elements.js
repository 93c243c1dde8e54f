/** Elements of the pane. Text is text: nothing is ever read as HTML. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties] attributes; `class`, and `on…` for what an event does
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : `${value}`);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** A section with its heading. @param {string} heading @param {...(Node | string | null | undefined | false)} children */
export function section(heading, ...children) {
  return make("section", {}, make("h2", {}, heading), ...children);
}

/** A labelled field. @param {string} label @param {HTMLElement} field @param {string} id */
export function field(label, field, id) {
  field.id = id;
  return make("div", { class: "fields" }, make("label", { for: id }, label), field);
}

/**
 * A button whose work runs once at a time.
 * @param {string} label @param {() => Promise<unknown> | unknown} work @param {string} [looks]
 */
export function button(label, work, looks) {
  const element = make("button", { type: "button", class: looks }, label);
  element.addEventListener("click", async () => {
    if (element.getAttribute("aria-disabled")) return;
    element.setAttribute("aria-disabled", "true"); // It keeps the focus, which `disabled` would lose.
    try {
      await work();
    } finally {
      element.removeAttribute("aria-disabled");
    }
  });
  return element;
}

/** A select of records. @param {any[]} records @param {any} chosen @param {string} none what stands for no record */
export function recordSelect(records, chosen, none) {
  const key = (/** @type {any} */ each) => `${each.type}/${each.id}`;
  const all = chosen && !records.some((each) => key(each) === key(chosen)) ? [chosen, ...records] : records;
  const options = all.map((each) =>
    make("option", { value: key(each), selected: chosen && key(each) === key(chosen) }, `${each.name || each.id} (${each.type})`),
  );
  return make("select", {}, make("option", { value: "" }, none), ...options);
}

/** The record of an option, as messages name it. @param {string} value @param {any[]} records */
export function recordOf(value, records) {
  if (!value) return null;
  const [type, id] = [value.slice(0, value.indexOf("/")), value.slice(value.indexOf("/") + 1)];
  const found = records.find((each) => each.type === type && each.id === id);
  return found && found.name ? { type, id, name: found.name } : { type, id };
}
