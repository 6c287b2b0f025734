import { runUrl } from "./runs.ts";
import { fullName, type Repository, type State } from "./state.ts";

/** What a link into GitHub shows to a person: a run with its log, or a check run. Undefined if there is no such page. */
export function htmlPage(state: State, pathname: string): string | undefined {
  const [, owner = "", name = "", rest = ""] = /^\/([^/]+)\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
  const repository = state.repositories.get(`${owner}/${name}`.toLowerCase());
  if (repository === undefined || repository.isPrivate) return undefined;
  const [, run, attempt] = /^actions\/runs\/(\d+)(?:\/attempts\/(\d+))?(?:\/job\/\d+)?$/.exec(rest) ?? [];
  if (run !== undefined) return runPage(state, repository, Number(run), attempt);
  const [, checkRun] = /^runs\/(\d+)$/.exec(rest) ?? [];
  return checkRun === undefined ? undefined : checkRunPage(repository, Number(checkRun));
}

function runPage(state: State, repository: Repository, id: number, number: string | undefined): string | undefined {
  const run = repository.runs.find((each) => each.id === id);
  const attempt = run?.attempts.at(number === undefined ? -1 : Number(number) - 1);
  if (run === undefined || attempt === undefined) return undefined;
  return page(`${run.title} · ${fullName(repository)}`, [
    [`Attempt ${attempt.number}`, `${attempt.status} ${attempt.conclusion ?? ""}\n${runUrl(state, repository, run)}`],
    ["Log", attempt.log.join("\n")],
  ]);
}

function checkRunPage(repository: Repository, id: number): string | undefined {
  const checkRun = repository.checkRuns.find((each) => each.id === id);
  if (checkRun === undefined) return undefined;
  const { name, status, conclusion, output } = checkRun;
  return page(`${name} · ${fullName(repository)}`, [
    [output.title ?? name, `${status} ${conclusion ?? ""}`],
    ["Summary", output.summary ?? ""],
    ["Text", output.text ?? ""],
  ]);
}

function page(title: string, parts: readonly (readonly [string, string])[]): string {
  const sections = parts.map(([heading, text]) => `<h2>${escaped(heading)}</h2>\n<pre>${escaped(text)}</pre>`);
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${escaped(title)}</title>\n<h1>${escaped(title)}</h1>\n${sections.join("\n")}\n</html>\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
