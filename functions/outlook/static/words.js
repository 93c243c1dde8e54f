/** What the add-in says: texts of five languages, with times and numbers as the person's language writes them. */

export const LANGUAGES = ["en", "de", "fr", "es", "it"];

/** Choose the language of Outlook where there are texts in it, else English. @param {string} display such as `de-AT` */
export function languageOf(display) {
  const [language] = (display || "").toLowerCase().split("-");
  return LANGUAGES.includes(language) ? language : "en";
}

/** @param {Record<string, string>} texts @param {string} language */
export function makeWords(texts, language) {
  const plurals = new Intl.PluralRules(language);
  const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const percents = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  return {
    /**
     * A text with values in it. With a `count` it is the form that the language has for it.
     * @param {string} key @param {Record<string, string | number>} [values]
     */
    say(key, values = {}) {
      const form = "count" in values ? `${key}_${plurals.select(Number(values.count))}` : key;
      const text = texts[form] ?? texts[`${key}_other`] ?? texts[key] ?? key;
      return text.replace(/\{(\w+)\}/g, (_, name) => `${values[name] ?? ""}`);
    },
    /** Whether there is a text. @param {string} key */
    has: (key) => key in texts,
    /** @param {string | number | Date} at */
    moment: (at) => moments.format(new Date(at)),
    /** @param {number} share */
    percent: (share) => percents.format(share),
  };
}

/** @typedef {ReturnType<typeof makeWords>} Words */
