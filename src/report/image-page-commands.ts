import { html } from "hono/html";
import type { AnswerHead } from "../answer/answer.ts";
import type { Digest } from "../image/digest.ts";
import { formatReference } from "../image/reference.ts";
import type { Markup } from "./page-layout.ts";
import { printable } from "./printable.ts";

/** Where things are on the server, as whoever reads the page reaches it; the paths begin with a slash. */
export interface ServerPlaces {
  /** No slash at its end; undefined where the operator doesn't say, and commands can't name it. */
  readonly publicUrl: string | undefined;
  /** The published policy's bytes. */
  readonly policy: string;
  readonly evidence: string;
  /** One platform's signed summary; undefined where none is signed. */
  readonly summary: { readonly path: string; readonly digest: Digest } | undefined;
}

/** The type of a summary (VSA) in a statement. */
const VSA_TYPE = "https://slsa.dev/verification_summary/v1";

/** How to come to the answer without believing this server: commands that work when pasted. */
export function byYourself({ image, audience }: Pick<AnswerHead, "image" | "audience">, places: ServerPlaces): Markup {
  const pinned = quoted(formatReference(image));
  const { publicUrl, policy, evidence, summary } = places;
  const title = html`<h2>Verify it yourself</h2>`;
  const walk = way("With a walk of your own, by a policy of yours", [`npx trusted-builds verify ${pinned}`]);
  if (publicUrl === undefined) return html`<section>${title}${walk}</section>`;
  // Nobody but its readers gets an answer that isn't for everyone.
  const token = audience.kind === "everyone" ? "" : ` -H "Authorization: Bearer $(gh auth token)"`;
  const fetched = (path: string, file: string) => `curl -fsS${token} -o ${file} ${quoted(`${publicUrl}${path}`)}`;
  return html`<section>${title}${walk}${way(
    "From the evidence, without the network, by the policy that is published here",
    [
      fetched(evidence, "evidence.tar"),
      fetched(policy, "policy.yml"),
      "npx trusted-builds verify --evidence evidence.tar --policy policy.yml",
    ],
  )}${
    summary === undefined
      ? ""
      : html`${way(
          "By this server's signed answer: get its key once, and compare it with what the operator says of it elsewhere",
          [
            `curl -fsS ${quoted(`${publicUrl}/.well-known/trusted-builds/keys.json`)} | jq -r '.keys[0].pem' > trusted-builds.pem`,
            `npx trusted-builds verify --server ${quoted(publicUrl)} --server-key trusted-builds.pem ${pinned}`,
          ],
        )}${way("The same with cosign, of one platform; then read what it says", [
          fetched(summary.path, "vsa.json"),
          `cosign verify-blob-attestation --bundle vsa.json --key trusted-builds.pem --insecure-ignore-tlog --type ${VSA_TYPE} --digest ${summary.digest.slice(summary.digest.indexOf(":") + 1)} --digestAlg sha256`,
          "jq -r .dsseEnvelope.payload vsa.json | base64 -d | jq '.predicate | {verificationResult, resourceUri, policy, verifier}'",
        ])}`
  }</section>`;
}

function way(title: string, commands: readonly string[]): Markup {
  return html`<div class="card"><h3>${title}</h3><pre class="command" role="region" tabindex="0" aria-label="${title}: commands">${commands.map((command) => `${printable(command)}\n`)}</pre></div>`;
}

/** A word for a shell. */
function quoted(text: string): string {
  return /^[A-Za-z0-9._:@/=%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
