import { imageName, parseReference } from "../image/reference.ts";
import type { DraftBuild } from "../trust/policy-draft.ts";
import { contextOf } from "./context-guess.ts";
import type { FoundFile, FoundRepository } from "./found-repository.ts";
import { platformsIn } from "./workflow-words.ts";

/** So many images are proposed at most: more in one policy nobody reads. */
export const MAX_BUILDS = 20;

/** Directories whose Dockerfiles are seldom what a repository publishes; what is somebody else's code is never. */
const BESIDE = new Set(
  "test tests testdata fixtures example examples sample samples docs .devcontainer .github".split(" "),
);
const FOREIGN = new Set("node_modules vendor third_party".split(" "));

/** A build that is proposed, and the Dockerfile's own path in the repository. */
export interface ProposedBuild extends DraftBuild {
  readonly path: string;
}

/** Which Dockerfiles a policy would build, and which are set aside: told, and left to whoever knows. */
export interface ProposedBuilds {
  readonly builds: readonly ProposedBuild[];
  /** Paths of Dockerfiles that none is proposed for. */
  readonly aside: readonly string[];
}

/**
 * An image for each Dockerfile, named after the repository and, where there are several, after the directory or ending that tells them
 * apart. On ghcr.io, whose namespaces are GitHub's accounts; a person who publishes elsewhere changes the name.
 */
export function buildsFrom(found: FoundRepository): ProposedBuilds {
  const usable = found.dockerfiles.filter(({ path }) => isUsablePath(path) && !isIn(path, FOREIGN));
  const main = usable.filter(({ path }) => !isIn(path, BESIDE));
  const chosen = (main.length > 0 ? main : usable).slice(0, MAX_BUILDS);
  const tags = [tagPattern(found.tags)];
  const platforms = platformsIn(found.workflows);
  const names = new Set<string>();
  const builds = chosen.map((file) => {
    const image = freeName(imageOf(found, chosen.length === 1 ? "" : suffixOf(file.path)), names);
    return { path: file.path, image, platforms, tags, ...placeOf(file, found.paths) };
  });
  const paths = new Set(chosen.map(({ path }) => path));
  return { builds, aside: found.dockerfiles.map(({ path }) => path).filter((path) => !paths.has(path)) };
}

/** As the action takes paths: below the root, and nothing that a URL or a shell reads otherwise. */
function isUsablePath(path: string): boolean {
  const parts = path.split("/");
  return (
    !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\:#?%"]/u.test(path) &&
    !/^[-/]|^git@|^github\.com\//.test(path) &&
    !parts.includes("..")
  );
}

function isIn(path: string, directories: ReadonlySet<string>): boolean {
  return path
    .split("/")
    .slice(0, -1)
    .some((part) => directories.has(part.toLowerCase()));
}

/** The Dockerfile's path is below its context. */
function placeOf({ path, text }: FoundFile, paths: ReadonlySet<string>): Pick<DraftBuild, "dockerfile" | "context"> {
  const context = contextOf(path, text, paths);
  return { context, dockerfile: context === undefined ? path : path.slice(context.length + 1) };
}

/** `api` for `api/Dockerfile`, `api-alpine` for `api/Dockerfile.alpine`; empty for the one at the root. */
function suffixOf(path: string): string {
  const parts = path.split("/");
  const name = (parts.pop() ?? "")
    .replace(/^(?:Dockerfile|Containerfile)\.?/, "")
    .replace(/\.(?:dockerfile|containerfile)$/i, "");
  return [...parts, name].filter((part) => part !== "").join("-");
}

/** Longest part of a name that is made of a path, in characters. */
const MAX_SUFFIX = 80;

function imageOf({ repository: { owner, name } }: FoundRepository, suffix: string): string {
  const end = component(suffix.slice(0, MAX_SUFFIX));
  const path = `${component(owner) || "owner"}/${[component(name) || "image", ...(end === "" ? [] : [end])].join("-")}`;
  return imageName(parseReference(`ghcr.io/${path}`));
}

/** A text as a part of an image's name: lower case, and single separators between letters and digits. */
function component(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/[._-]{2,}/g, (run) => (run === "__" ? run : "-"))
    .replace(/^[._-]+/, "")
    .replace(/[._-]+$/, "");
}

function freeName(image: string, taken: Set<string>): string {
  let name = image;
  for (let n = 2; taken.has(name); n++) name = `${image}-${n}`;
  taken.add(name);
  return name;
}

/** So many git tags are looked at. */
const MAX_TAGS = 1000;

/**
 * What the versions among a repository's git tags look like: `v*`, or another beginning that most of them have. A pattern has no more
 * than `*` in it, and a tag with `/` can be no image's tag.
 */
export function tagPattern(tags: readonly string[]): string {
  const beginnings = tags.slice(0, MAX_TAGS).flatMap((tag) => {
    const [, beginning] = /^([A-Za-z][A-Za-z._-]{0,30}|)[0-9]+(?:\.[0-9]+)/.exec(tag) ?? [];
    return beginning === undefined || tag.includes("/") || tag.includes("@") ? [] : [beginning];
  });
  const counts = Map.groupBy(beginnings, (beginning) => beginning);
  const [most] = [...counts].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  if (most === undefined) return "v*";
  return most[0] === "" ? "*.*" : `${most[0]}*`;
}
