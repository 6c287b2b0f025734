import { z } from "zod";
import { BUILDER, type Built, makeImage, type Name, type Spoil } from "../faults/ancestry.ts";
import type { Document } from "../faults/document.ts";
import type { OciRegistry } from "../world/oci-registry.ts";
import { GITHUB_ISSUER } from "../world/sigstore.ts";
import { eventually, PUBLIC_PAUSE_MS } from "./eventually.ts";
import type { Scene } from "./scene.ts";

/** The workflow that the scenes' runner builds with. */
export const OURS = "trusted-builds/trusted-builds/.github/workflows/build.yml@refs/tags/v*";
/** The one that signs images which nobody built here. */
export const THEIRS = `${BUILDER}@refs/tags/v*`;

/** What the API says of an image, as far as tests ask. */
const answerSchema = z.looseObject({
  state: z.enum(["judged", "pending"]),
  verdict: z.enum(["trusted", "untrusted", "undetermined"]),
  reason: z.string().nullable(),
  digest: z.string().nullable(),
  resolvedAt: z.string().nullable(),
  policy: z.looseObject({ digest: z.string(), url: z.string() }).nullable(),
  result: z.string().nullable(),
  source: z.looseObject({ repository: z.string(), commit: z.string().nullable() }).nullable(),
  faults: z.array(z.looseObject({ code: z.string(), path: z.array(z.looseObject({ reference: z.string() })) })),
  former: z.looseObject({ outcome: z.string() }).nullable(),
  links: z.looseObject({
    page: z.string(),
    badge: z.string(),
    vsa: z.string().nullable(),
    evidence: z.string().nullable(),
  }),
});
/** An answer of the API. */
export type Answer = z.output<typeof answerSchema>;

/**
 * What the operator publishes.
 *
 * @param builders - Workflows whose word counts.
 * @param server - Named where whoever reads it is of another one.
 */
export function publishedPolicy(
  { registry, namespace }: Pick<Scene, "registry" | "namespace">,
  builders: readonly string[],
  server = "",
): string {
  return `version: 1
trust:
  builders:
${builders
  .map(
    (workflow) => `    - images: ["${registry}/${namespace}/{repo}"]
      github: { repository: "acme/{repo}", owner-id: 77, workflow: "${workflow}",${server && ` server: "${server}",`} issuer: ${GITHUB_ISSUER} }
      level: 3
      builds: true
`,
  )
  .join("")}`;
}

/** How something is asked for. */
export interface Asking {
  /** A reader's. */
  readonly token?: string | undefined;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks below the server. */
export function ask({ server }: Scene, path: string, { token, method = "GET", headers = {} }: Asking = {}) {
  const all = { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  return fetch(`${server.url}${path}`, { method, headers: all });
}

/** @returns undefined for whatever isn't an answer. */
export async function answerAt(scene: Scene, reference: string, token?: string): Promise<Answer | undefined> {
  const response = await ask(scene, `/v1/images/${reference}`, { token });
  return response.status === 200 ? answerSchema.parse(await response.json()) : undefined;
}

/** Waits until an image is judged, or stands as asked. */
export function answered(
  scene: Scene,
  reference: string,
  { token, until = ({ state }) => state === "judged" }: { token?: string; until?: (answer: Answer) => boolean } = {},
): Promise<Answer> {
  let seen: Answer | undefined;
  return eventually(
    `an answer about ${reference}`,
    async () => {
      seen = await answerAt(scene, reference, token);
      return seen !== undefined && until(seen) && seen;
    },
    () => `${JSON.stringify(seen, null, 1)}\n${scene.server.output()}\n${scene.github.violations.join("\n")}`,
    PUBLIC_PAUSE_MS,
  );
}

/** Has an image judged. @returns the place to look. */
export async function inquire(scene: Scene, reference: string): Promise<string> {
  const asked = await ask(scene, `/v1/images/${reference}/verify`, { method: "POST" });
  if (asked.status !== 202) throw new Error(`${reference}: ${asked.status} ${await asked.text()}`);
  return asked.headers.get("location") ?? "";
}

/** What became of an inquiry. */
export function ended(scene: Scene, place: string): Promise<string> {
  return eventually(
    "the end of an inquiry",
    async () => {
      const { state } = z.object({ state: z.string() }).parse(await (await fetch(place)).json());
      return state !== "open" && state;
    },
    () => scene.server.output(),
    PUBLIC_PAUSE_MS,
  );
}

/** What a reader of a response can tell apart: without what differs in any two of them. */
export async function told(response: Response): Promise<readonly unknown[]> {
  const headers = [...response.headers].filter(([name]) => !/^(?:date|x-request-id|ratelimit)$/.test(name)).sort();
  return [response.status, headers, await response.text()];
}

/** An image that somebody else built, signed for whoever accepts that somebody. */
export function stranger(
  { github, namespace, sigstore }: Scene,
  registry: OciRegistry,
  name: Name,
  parents: Partial<Record<Name, Built>> = {},
  spoil: Spoil = {},
): Promise<Built> {
  const ofThisServer = (statement: Document): Document =>
    JSON.parse(JSON.stringify(statement).replaceAll("https://github.com/acme/", `${github.url}/acme/`));
  return makeImage({ registry, namespace, sigstore, stranger: sigstore }, name, parents, {
    provenance: ofThisServer,
    ...spoil,
  });
}
