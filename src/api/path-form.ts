/** The one parameter that may be written with slashes in it, as image references are. */
const SLASHED = "reference";

/**
 * Whether a path is of a form such as `/v1/verdicts/{digest}/vsa`, with one parameter at most.
 *
 * @returns by a path the parts that stand where the parameters are, not decoded; undefined for a path of another form.
 */
export function pathForm(form: string): (path: string) => readonly string[] | undefined {
  const open = form.indexOf("{");
  if (open < 0) return (path) => (path === form ? [] : undefined);
  const close = form.indexOf("}", open);
  const before = form.slice(0, open);
  const after = form.slice(close + 1);
  const takesSlashes = form.slice(open + 1, close) === SLASHED;
  return (path) => {
    if (path.length <= before.length + after.length || !path.startsWith(before) || !path.endsWith(after))
      return undefined;
    const part = path.slice(before.length, path.length - after.length);
    return takesSlashes || !part.includes("/") ? [part] : undefined;
  };
}
