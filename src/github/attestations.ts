import { z } from "zod";
import { type MalformedAttestation, malformed } from "../attestation/artifact.ts";
import type { UnverifiedBundle } from "../attestation/bundle.ts";
import { BundleError, parseBundle } from "../attestation/bundle.ts";
import { imageName, type PinnedImage } from "../image/reference.ts";
import {
  type AttestationCandidate,
  type AttestationListing,
  type AttestationSource,
  CouldNotLook,
} from "../trust/ports.ts";
import { absentOn, ask, exchange, type GitHubClient, nextOf, PAGE, parsed } from "./ask.ts";
import { GitHubError, type Question } from "./error.ts";
import { decodeFramedSnappy, decodeSnappy, isFramedSnappy, SnappyError } from "./snappy.ts";

/** Largest bundle that is read, in bytes, as it comes and decompressed (DESIGN §7). */
const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;

/** Candidates per digest (RULES R15). */
const MAX_CANDIDATES = 200;

/** Pages of one list that are read, full or not: links could lead on without end. */
const MAX_PAGES = 20;

/** GitHub's own registry: the only one whose first part of a path is an owner at GitHub (RULES R5). */
const CONTAINER_REGISTRY = "ghcr.io";

/**
 * Fetches a bundle from where GitHub says that it is: an address of a storage host, signed in advance, which gets no credentials.
 *
 * @param limit - in bytes.
 * @param what - For messages; the address's query is a secret and belongs into none.
 * @throws {CouldNotLook} also for an address that isn't public. @throws {BeyondLimit}
 */
export type FetchBundle = (
  url: URL,
  limit: number,
  what: string,
) => Promise<{ readonly status: number; readonly body: Uint8Array }>;

/** Whom to ask, and about what. */
export interface GitHubAttestationsOptions {
  readonly octokit: () => Promise<GitHubClient>;
  readonly fetchBundle: FetchBundle;
  /** Whether this GitHub is the one whose owners have the names below ghcr.io. */
  readonly ownsContainerRegistry: boolean;
  /** The asker's own build: its image (registry/repository), and the repository that it is built from. */
  readonly own?: { readonly image: string; readonly owner: string; readonly name: string };
  /** Ends every request: a walk's own limit. */
  readonly signal?: AbortSignal;
}

/** Where GitHub is asked about an image (RULES R15). */
type Asked =
  | { readonly kind: "repository"; readonly owner: string; readonly repo: string }
  | { readonly kind: "owner"; readonly owner: string };

const listSchema = z.object({ attestations: z.array(z.unknown()) });
const entrySchema = z.looseObject({ bundle: z.unknown().optional(), bundle_url: z.string().nullish() });
const accountSchema = z.object({ type: z.string() });

interface Page {
  readonly entries: readonly unknown[];
  readonly cursor: Readonly<Record<string, string>> | undefined;
}

/**
 * What was given to GitHub about an image's digest: asked at the source repository for the asker's own build, at the owner for
 * ghcr.io/OWNER, and nowhere else (RULES R15). GitHub has verified nothing of it.
 *
 * Nothing found means: nothing that we may see. That it could be seen at all is proven before a 404 is taken for that.
 */
export function createGitHubAttestations(options: GitHubAttestationsOptions): AttestationSource {
  const { octokit, own, signal } = options;
  const accounts = new Map<string, Promise<string | undefined>>();
  let seen: Promise<unknown> | undefined;

  const placeOf = (image: PinnedImage): Asked | undefined => {
    if (own !== undefined && imageName(image) === own.image)
      return { kind: "repository", owner: own.owner, repo: own.name };
    const [owner, ...rest] = image.repository.split("/");
    const isOwners = options.ownsContainerRegistry && image.registry === CONTAINER_REGISTRY && rest.length > 0;
    return isOwners && owner !== undefined ? { kind: "owner", owner } : undefined;
  };

  /** `Organization` or `User`; undefined if nobody is called that. */
  const accountOf = (owner: string): Promise<string | undefined> => {
    const known = accounts.get(owner);
    if (known !== undefined) return known;
    const question = { asked: `who ${owner} is` };
    const asked = async () => {
      const client = await octokit();
      const read = ask(
        question,
        accountSchema,
        (request) => client.request("GET /users/{username}", { username: owner, request }),
        { signal },
      );
      return (await absentOn([404], read))?.type;
    };
    const answer = asked();
    accounts.set(owner, answer);
    answer.catch(() => accounts.delete(owner));
    return answer;
  };

  /** Proves that the next 404 means absence, and answers where to ask. */
  const routeTo = async (place: Asked): Promise<[route: string, parameters: Record<string, string>]> => {
    if (place.kind === "repository") {
      const { owner, repo } = place;
      const client = await octokit();
      const question = { asked: `for ${owner}/${repo}`, repository: `${owner}/${repo}`, needs: "metadata: read" };
      seen ??= exchange(question, (request) => client.rest.repos.get({ owner, repo, request }), { signal });
      await seen.catch((error: unknown) => {
        seen = undefined;
        throw error;
      });
      return ["GET /repos/{owner}/{repo}/attestations/{subject_digest}", { owner, repo }];
    }
    const { owner } = place;
    const type = await accountOf(owner);
    if (type === undefined) {
      const message = `asked GitHub for attestations of ${owner}: no account is called that, or it is hidden; check the image's name`;
      throw new GitHubError("not-found-unproven", message, { status: 404 });
    }
    return type === "Organization"
      ? ["GET /orgs/{org}/attestations/{subject_digest}", { org: owner }]
      : ["GET /users/{username}/attestations/{subject_digest}", { username: owner }];
  };

  const readPage = async (
    question: Question,
    route: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<Page | undefined> => {
    const client = await octokit();
    const answer = await absentOn(
      [404],
      exchange(question, (request) => client.request(route, { ...parameters, per_page: PAGE, request }), { signal }),
    );
    if (answer === undefined) return undefined;
    const { attestations } = parsed(question, listSchema, answer.data);
    return { entries: attestations, cursor: cursorOf(nextOf(answer)) };
  };

  const list = async (image: PinnedImage, place: Asked): Promise<AttestationListing> => {
    const whose = place.kind === "repository" ? `${place.owner}/${place.repo}` : place.owner;
    const question: Question = {
      asked: `for attestations of ${image.digest} at ${whose}`,
      ...(place.kind === "repository" && { repository: whose, needs: "attestations: read" }),
    };
    const [route, parameters] = await routeTo(place);
    const entries: unknown[] = [];
    let failure: CouldNotLook | undefined;
    let isMore = false;
    try {
      let cursor: Page["cursor"] = {};
      for (let pages = 0; cursor !== undefined && !isMore; pages++) {
        const page = await readPage(question, route, { ...parameters, ...cursor, subject_digest: image.digest });
        entries.push(...(page?.entries ?? []));
        cursor = page?.cursor;
        isMore = cursor !== undefined && (entries.length >= MAX_CANDIDATES || pages + 1 === MAX_PAGES);
      }
    } catch (error) {
      // Whatever was read before stays.
      if (!(error instanceof CouldNotLook) || entries.length === 0) throw error;
      failure = error;
    }
    const omitted = Math.max(0, entries.length - MAX_CANDIDATES) + (isMore ? 1 : 0);
    const candidates = entries.slice(0, MAX_CANDIDATES).map((entry, index): AttestationCandidate => {
      const where = `GitHub's attestations of ${whose}, ${index + 1}`;
      return { where, read: async () => [await readEntry(entry, where, options.fetchBundle)] };
    });
    return { candidates, omitted, failures: failure === undefined ? [] : [failure] };
  };

  return {
    listAttestations: async (image) => {
      const nothing = { candidates: [], omitted: 0, failures: [] };
      const place = placeOf(image);
      if (place === undefined) return nothing;
      try {
        return await list(image, place);
      } catch (error) {
        if (!(error instanceof CouldNotLook)) throw error;
        // An app that wasn't given "attestations: read" has no such place to look in: what its action signs is in the registry too.
        // That is a refusal to one who could see the repository; any other refusal only kept us from looking.
        const isWithheld = place.kind === "repository" && seen !== undefined && error.code === "credentials-refused";
        if (isWithheld && error instanceof GitHubError && error.status === 403) return nothing;
        return { ...nothing, failures: [error] };
      }
    },
  };
}

/** The place in the list that a link leads to. Only that is taken from it: where it leads is for us to say. */
function cursorOf(link: string | undefined): Page["cursor"] {
  const url = link === undefined ? null : URL.parse(link);
  if (url === null) return undefined;
  const named = ["after", "page"].flatMap((name) => {
    const value = url.searchParams.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return named.length === 0 ? undefined : Object.fromEntries(named);
}

async function readEntry(
  entry: unknown,
  where: string,
  fetchBundle: FetchBundle,
): Promise<UnverifiedBundle | MalformedAttestation> {
  const read = entrySchema.safeParse(entry);
  if (!read.success) return malformed("the entry of the list can't be read");
  const { bundle, bundle_url: address } = read.data;
  // Since 2026-07-16 the list has null in place of each bundle: that is no absence.
  if (bundle !== null && bundle !== undefined) return parse(Buffer.from(JSON.stringify(bundle)));
  const url = address === null || address === undefined ? null : URL.parse(address);
  if (url === null) return malformed("the list has neither the bundle nor an address of it");
  const { status, body } = await fetchBundle(url, MAX_BUNDLE_BYTES, where);
  if (status !== 200) {
    throw new GitHubError("server-error", `${where}: ${url.host}, where it is kept, answered ${status}; try again`, {
      status,
    });
  }
  return parse(body);
}

/** Plain, in Snappy's blocks, or framed: all were met. A block that begins as JSON does would be of 123 bytes, and no bundle is. */
function parse(bytes: Uint8Array): UnverifiedBundle | MalformedAttestation {
  try {
    if (bytes[0] === 0x7b) return parseBundle(bytes);
    const decode = isFramedSnappy(bytes) ? decodeFramedSnappy : decodeSnappy;
    return parseBundle(decode(bytes, MAX_BUNDLE_BYTES));
  } catch (error) {
    // What is beyond a limit is told as that.
    if (error instanceof SnappyError || error instanceof BundleError) return malformed(error.message);
    throw error;
  }
}
