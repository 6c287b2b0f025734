/** Markup of every kind that GitHub or a browser would act on. */
const HOSTILE =
  " `` ` ``` | \\| @octocat acme/app#1 GH-1 <img src=x onerror=evil()> \"onclick=evil() '</title></style><script>evil()</script> ![evil](http://evil.example) [evil](http://evil.example) https://evil.example www.evil.example **evil** :evil: $evil$ &#64;evil <!-- ~~~\n\n# evil\n```\n| evil |\n\u202e\u001b[31m";

/** Values that are ours, whoever made the rest. */
const OURS = "kind role outcome verdict seam source id node digest phase asOf url status".split(" ");

/** The same, with hostile text at the end of every text in it that strangers write. @param ours - More keys whose values are ours. */
export function hostile<T>(value: T, ours: readonly string[] = []): T {
  return spoiled(value, "", [...OURS, ...ours]) as T;
}

function spoiled(value: unknown, key: string, ours: readonly string[]): unknown {
  if (typeof value === "string") return ours.includes(key) ? value : value + HOSTILE;
  if (Array.isArray(value)) return value.map((item) => spoiled(item, key === "times" ? "asOf" : key, ours));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, spoiled(item, name, ours)]));
}
