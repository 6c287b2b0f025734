import { createHash } from "node:crypto";
import { z } from "zod";
import type { Repository } from "../build/build.ts";
import type { SourceReader } from "../change/ports.ts";
import { BeyondLimit } from "../trust/ports.ts";
import { ask, type Clients, type GitHubClient } from "./ask.ts";
import { decodedBytes } from "./contents.ts";
import { GitHubError, type Question } from "./error.ts";
import { fullName } from "./repository.ts";
import { objectId } from "./tags.ts";

/** Commits whose listings are kept. They never change, and each file that is read asks for one. */
const KEPT_LISTINGS = 8;

/** Largest file that is read whatever the limit, in bytes: in base64 it must fit into an answer (DESIGN §7). */
const MAX_FILE_BYTES = 5 * 1024 * 1024;

/** git's modes of what isn't in the tree itself. */
const SYMLINK = "120000";
const SUBMODULE = "160000";

const treeEntry = z.object({
  path: z.string().min(1),
  mode: z.string(),
  type: z.string(),
  sha: objectId,
  size: z.int().nonnegative().optional(),
});
const treeAnswer = z.object({ tree: z.array(treeEntry), truncated: z.boolean() });
const blobAnswer = z.object({ sha: objectId, encoding: z.string(), content: z.string() });

type Entry = z.infer<typeof treeEntry>;

/** All that a tree has, by path; undefined what GitHub cut. */
type Listing = ReadonlyMap<string, Entry> | undefined;

/**
 * Reads files through GitHub's git database, which shows what is in a commit and follows nothing: a symbolic link leads elsewhere for
 * GitHub, whose root is the repository, than for BuildKit, whose root is the context.
 */
export function createSourceReader({ octokitFor }: Pick<Clients, "octokitFor">): SourceReader {
  const kept = new Map<string, Promise<Listing>>();

  function listingOf(octokit: GitHubClient, repository: Repository, commit: string): Promise<Listing> {
    // Through each installation for itself: what one may read is no answer for another (RULES R3).
    const key = `${repository.installation} ${repository.id} ${commit}`;
    const known = kept.get(key);
    const listing = known ?? readTree(octokit, repository, commit, { isRecursive: true });
    kept.delete(key);
    kept.set(key, listing);
    for (const oldest of [...kept.keys()].slice(0, -KEPT_LISTINGS)) kept.delete(oldest);
    if (known === undefined) listing.catch(() => kept.get(key) === listing && kept.delete(key));
    return listing;
  }

  return {
    async listFiles(repository, commit) {
      const octokit = await octokitFor(repository.installation);
      const listing = await listingOf(octokit, repository, commit);
      if (listing === undefined) {
        throw new BeyondLimit(
          `asked GitHub ${aboutTree(repository, commit).asked}: there are more files than it lists at once; name the Dockerfiles in the policy`,
        );
      }
      return new Map(
        [...listing.values()]
          .filter(({ type, mode }) => type === "blob" && mode !== SYMLINK)
          .map(({ path, sha }) => [path, sha]),
      );
    },
    async readFile(repository, commit, path, limit) {
      const octokit = await octokitFor(repository.installation);
      const listing = await listingOf(octokit, repository, commit);
      const asked = `for ${path} of ${fullName(repository)} at ${commit}`;
      const file = await findFile(asked, path, async (at, tree) =>
        listing === undefined ? step(octokit, repository, tree?.sha ?? commit, at) : listing.get(at.join("/")),
      );
      if (file === undefined) return undefined;
      const most = Math.min(limit, MAX_FILE_BYTES);
      if ((file.size ?? 0) > most) throw tooLarge(asked, most);
      const bytes = await readBlob(octokit, about(asked, repository), repository, file.sha);
      if (bytes.length > most) throw tooLarge(asked, most);
      return bytes;
    },
  };
}

/** The file at a path, by a look at each directory on the way. @throws {BeyondLimit} where the way leads out of the tree. */
async function findFile(
  asked: string,
  path: string,
  look: (at: readonly string[], tree: Entry | undefined) => Promise<Entry | undefined>,
): Promise<Entry | undefined> {
  const names = path.split("/");
  // It would be another way to write a path that may be there.
  if (names.some((name) => ["", ".", ".."].includes(name)))
    throw new BeyondLimit(
      `asked GitHub ${asked}: that isn't how git writes a path; write it without ".", ".." and "//"`,
    );
  let entry: Entry | undefined;
  for (let depth = 1; depth <= names.length; depth++) {
    entry = await look(names.slice(0, depth), entry);
    if (entry === undefined) return undefined;
    if (entry.mode === SYMLINK || entry.mode === SUBMODULE) {
      const what = entry.mode === SYMLINK ? "a symbolic link" : "a submodule";
      const at = names.slice(0, depth).join("/");
      throw new BeyondLimit(`asked GitHub ${asked}: ${at} is ${what}, which isn't followed; put the file itself there`);
    }
    if (entry.type !== "tree") return depth === names.length ? entry : undefined;
  }
  return undefined;
}

/** What a directory has under the last of the names. @throws {BeyondLimit} where GitHub doesn't list all of it, and it isn't in the rest. */
async function step(
  octokit: GitHubClient,
  repository: Repository,
  tree: string,
  at: readonly string[],
): Promise<Entry | undefined> {
  const listing = await readTree(octokit, repository, tree, { isRecursive: false });
  if (listing !== undefined) return listing.get(at.at(-1) ?? "");
  throw new BeyondLimit(
    `asked GitHub ${aboutTree(repository, tree).asked}: the directory around ${at.join("/")} has more files than it lists; move it`,
  );
}

async function readTree(
  octokit: GitHubClient,
  repository: Repository,
  tree: string,
  { isRecursive }: { readonly isRecursive: boolean },
): Promise<Listing> {
  // A name would be another tree tomorrow, and what is kept of it an answer about none.
  if (!objectId.safeParse(tree).success) throw new Error(`no whole id of a commit or tree: ${tree}`);
  const { tree: entries, truncated } = await ask(aboutTree(repository, tree), treeAnswer, (request) =>
    octokit.rest.git.getTree({
      owner: repository.owner,
      repo: repository.name,
      tree_sha: tree,
      // Whatever its value, it asks for everything below.
      ...(isRecursive && { recursive: "1" }),
      request,
    }),
  );
  return truncated ? undefined : new Map(entries.map((entry) => [entry.path, entry]));
}

/** Bytes that have the id that was asked for. */
async function readBlob(
  octokit: GitHubClient,
  question: Question,
  repository: Repository,
  id: string,
): Promise<Uint8Array> {
  const { encoding, content } = await ask(question, blobAnswer, (request) =>
    octokit.rest.git.getBlob({ owner: repository.owner, repo: repository.name, file_sha: id, request }),
  );
  const bytes = decodedBytes(question, encoding, content);
  const hash = createHash(id.length === 40 ? "sha1" : "sha256");
  if (hash.update(`blob ${bytes.length}\0`).update(bytes).digest("hex") === id) return bytes;
  throw new GitHubError(
    "server-error",
    `asked GitHub ${question.asked}: what came isn't what git has as ${id}; try again later`,
  );
}

function tooLarge(asked: string, limit: number): BeyondLimit {
  return new BeyondLimit(`asked GitHub ${asked}: it is larger than ${limit} bytes; shorten it`);
}

function aboutTree(repository: Repository, tree: string): Question {
  return about(`for the files of ${fullName(repository)} at ${tree}`, repository);
}

function about(asked: string, repository: Repository): Question {
  return { asked, repository: fullName(repository), needs: "contents: read" };
}
