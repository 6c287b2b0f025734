import { html } from "hono/html";
import type { AnswerHead } from "../answer/answer.ts";
import { formatReference } from "../image/reference.ts";
import type { VerdictDocument } from "./json.ts";
import type { Markup } from "./page-layout.ts";
import { printable } from "./printable.ts";

/** Where things are on the server, as whoever reads the page reaches it. */
export interface ServerPlaces {
  /** No slash at its end; undefined where the operator doesn't say, and commands can't name it. */
  readonly publicUrl: string | undefined;
  /** Whether summaries are signed. */
  readonly signs: boolean;
  /** `/v1/verdicts/sha256:…/vsa?image=…`; undefined where there is none. */
  readonly vsa: string | undefined;
  readonly evidence: string | undefined;
}

/** How to come to the answer without believing this server: commands that work when pasted. */
export function byYourself(head: AnswerHead, verdict: VerdictDocument, places: ServerPlaces): Markup {
  const pinned = quoted(formatReference(head.image));
  const { publicUrl, vsa, evidence, signs } = places;
  const [first] = verdict.platforms.filter(({ counts }) => counts);
  const node = verdict.nodes.find(({ id }) => id === first?.node);
  const hex = node?.digest?.replace(/^sha256:/, "");
  const at = (path: string) => quoted(`${publicUrl}${path}`);
  const keys = `curl -fsS ${at("/.well-known/trusted-builds/keys.json")} | jq -r '.keys[0].pem' > trusted-builds.pem`;
  const platform = first?.platform ?? undefined;
  return html`<section><h2>Verify it yourself</h2>
${way("With a walk of your own, by a policy of yours", [`npx trusted-builds verify ${pinned}`])}
${
  publicUrl === undefined || evidence === undefined
    ? ""
    : way("From the evidence, without the network", [
        `curl -fsS -o evidence.tar ${at(evidence)}`,
        "npx trusted-builds verify --evidence evidence.tar",
      ])
}
${
  publicUrl === undefined || vsa === undefined || !signs
    ? ""
    : html`${way(
        "By this server's signed answer: get its key once, and compare it with what the operator published elsewhere",
        [keys, `npx trusted-builds verify --server ${quoted(publicUrl)} --server-key trusted-builds.pem ${pinned}`],
      )}${
        platform === undefined || hex === undefined || !/^[0-9a-f]{64}$/.test(hex)
          ? ""
          : way("The same with cosign", [
              `curl -fsS -o vsa.json ${at(`${vsa}&platform=${encodeURIComponent(platform)}`)}`,
              `cosign verify-blob-attestation --key trusted-builds.pem --bundle vsa.json --insecure-ignore-tlog --type https://slsa.dev/verification_summary/v1 --digest ${hex} --digestAlg sha256`,
              `jq -r '.dsseEnvelope.payload' vsa.json | base64 -d | jq '.predicate | {verificationResult, policy, verifier}'`,
            ])
      }`
}
</section>`;
}

function way(title: string, commands: readonly string[]): Markup {
  return html`<div class="card"><h3>${title}</h3><pre class="command" role="region" tabindex="0" aria-label="${title}: commands">${commands.map((command) => `${printable(command)}\n`)}</pre></div>`;
}

/** A word for a shell. */
function quoted(text: string): string {
  return /^[A-Za-z0-9._:@/?=&%+-]+$/.test(text) && !/[?&]/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
