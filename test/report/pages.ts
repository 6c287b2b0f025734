/** Elements that our pages are made of; none of them runs or fetches anything, but for links that a person follows. */
const ELEMENTS =
  "!doctype html head meta title style body header main footer section article div span p h1 h2 h3 ul ol li dl dt dd a code pre br wbr time table thead tbody tr th td form label input button svg path circle".split(
    " ",
  );
const ATTRIBUTES =
  "lang charset name content http-equiv class aria-label aria-hidden aria-current role tabindex scope method action name type required autocomplete spellcheck value checked href rel datetime viewbox fill stroke stroke-width stroke-linecap stroke-linejoin stroke-dasharray d cx cy r html".split(
    " ",
  );

/** What a browser would find in a page: its elements and attributes, and the text between them. */
export interface Found {
  /** Those that our pages never have. */
  readonly strange: readonly string[];
  readonly links: readonly string[];
  /** Without the stylesheet, references to characters replaced. */
  readonly text: string;
}

/** Reads a page of ours. What isn't written as we write it is strange. */
export function found(page: string): Found {
  const [before = "", rest = ""] = page.split("<style>");
  const html = before + rest.slice(rest.indexOf("</style>") + "</style>".length);
  const strange: string[] = [];
  const links: string[] = [];
  const text = html.replace(
    /<(?:\/([a-z0-9]+)|([!a-z][a-z0-9]*)((?: [a-zA-Z-]+(?:="[^"<>]*")?)*)\/?)>/g,
    (_, end, name, attributes = "") => {
      if (!ELEMENTS.includes(end ?? name)) strange.push(end ?? name);
      for (const [, attribute = "", value = ""] of attributes.matchAll(/ ([a-zA-Z-]+)(?:="([^"]*)")?/g)) {
        if (!ATTRIBUTES.includes(attribute.toLowerCase())) strange.push(attribute);
        if (attribute === "href") links.push(value);
      }
      return "";
    },
  );
  if (/[<>]/.test(text)) strange.push("a sign that begins or ends a tag");
  const names: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', "#39": "'" };
  return { strange, links, text: text.replace(/&([a-z0-9#]+);/g, (whole, name) => names[name] ?? whole) };
}
