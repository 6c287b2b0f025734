import { Command, Option } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { printable } from "../report/printable.ts";
import { addCompletionCommand } from "./completion.ts";
import { addDiffCommand } from "./diff-options.ts";
import { addDockerfileCommand } from "./dockerfile-options.ts";
import type { ExitCode } from "./exit-code.ts";
import { exportCommand } from "./export.ts";
import { addLogCommand } from "./log-options.ts";
import { addPolicyCommands } from "./policy.ts";
import { addRootsCommands } from "./roots.ts";
import { addServeCommand } from "./serve-command.ts";
import { addSourcePolicyCommand } from "./source-policy-options.ts";
import { trustUpdateCommand } from "./trust.ts";
import { VERIFY_OUTPUTS, type VerifySurroundings, verifyCommand } from "./verify.ts";
import { verifyBundleCommand } from "./verify-bundle.ts";
import { verifyEvidenceCommand } from "./verify-evidence.ts";
import { evidenceArguments, type VerifyOptions, worldArguments } from "./verify-options.ts";
import { type WalkOptions, walkSettings, withWalkOptions } from "./walk-options.ts";

/**
 * Every command with its options and its help: what the shell completes, and what the manual is made of, too.
 *
 * @param end - Told the exit code of the command that ran.
 */
export function createProgram(here: VerifySurroundings, end: (code: ExitCode) => void): Command {
  const program = new Command("trusted-builds")
    .description("Judges a container image by its signed provenance and that of every ancestor, down to scratch.")
    .version(manifest.version)
    .showHelpAfterError("(--help says more)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => here.stdout.write(text),
      writeErr: (text) => here.stderr.write(text),
      outputError: (text, write) => write(`trusted-builds: ${printable(text.trimEnd().replace(/^error: /, ""))}\n`),
    });

  program.addHelpText(
    "after",
    `
To begin with:
  trusted-builds verify IMAGE                       whether to trust it, why, and what would mend it
  trusted-builds policy explain IMAGE               which line of the policy decided on each ancestor
  trusted-builds policy check .github/trusted-builds.yml
  source <(trusted-builds completion bash)

Each command tells its options, exit codes and examples: trusted-builds verify --help. A verdict is by a policy: without --policy the
default one accepts, on ghcr.io, what the workflows of the name's own owner built, and elsewhere nothing.`,
  );

  withWalkOptions(program.command("verify"), "[images...]")
    .summary("judge images and all their ancestors")
    .description(
      `Finds the attestations of an image and of every image that went into it, verifies them, walks down to scratch,
and says whether to trust it, why, and what would mend each fault. Of several images each is judged for itself.`,
    )
    .addOption(
      new Option(
        "--output <form>",
        "text for people, json or jsonl for programs, sarif for code scanning, markdown for pages",
      )
        .choices(VERIFY_OUTPUTS)
        .default("text"),
    )
    .option("--images-from <file>", "more images, one a line; - is standard input")
    .option("--quiet", "print no verdict: the exit code tells it, and errors are told")
    .option(
      "--vsa <file>",
      "write the verdict as a signed SLSA summary (VSA): one Sigstore bundle a platform, one a line",
    )
    .option("--vsa-key <pem>", "the private key that signs it, on P-256")
    .option("--vsa-id <uri>", "verifier.id in it: who verifies, by which scope")
    .option("--vsa-tsa <url>", "an RFC 3161 authority that timestamps it; without one it ends nobody's walk")
    .option("--server <url>", "take the signed answer of a server instead of walking")
    .option("--server-key <pem>", "the public key that signs its answers, in a file; or the key's sha256:FINGERPRINT")
    .option("--server-id <uri>", "verifier.id of its answers (default: URL/verifiers/published)")
    .option("--max-age <time>", "how old its answer may be, as 7d or 12h (default: 24h)")
    .option(
      "--minimum-level <level>",
      "the least SLSA build level of the image and all below it, 0 to 3 (default: none)",
    )
    .option("--evidence <file>", "judge what is in a file that export wrote, without any connection")
    .option(
      "--evidence-roots",
      "of that: judge what was then by the trusted roots in the file, though they aren't known here",
    )
    .addHelpText(
      "after",
      `
The registry of IMAGE itself is always allowed. Others may also be named in TRUSTED_BUILDS_ALLOW_HOSTS, with commas.
Credentials are those of docker login (DOCKER_CONFIG, credential helpers). GitHub is asked for the attestations of images at
ghcr.io/OWNER, and for a source's default branch where the default policy has to know it: in the name of GH_TOKEN or
GITHUB_TOKEN if one is set, else in nobody's, who may ask 60 times an hour.

On disk, one image of several is named by tag or digest: oci:DIR:TAG, oci:DIR@sha256:…, docker-archive:FILE:NAME:TAG. It is judged by
what is on disk, with the attestations that are kept there or given by --bundles; ancestors are looked up there first, then in their
registries.

Manifests, configs and attestations are kept by digest in the user's cache directory (XDG_CACHE_HOME, or ~/.cache), up to 256 MiB, or in
the directory that TRUSTED_BUILDS_CACHE names (off: nowhere). Tags and lists of attestations are asked for each time.

Of several images the documents of json stand one after the other, in the order asked, and those of jsonl one a line, of one image too;
sarif and markdown are one file. Under GitHub Actions each fault is an annotation also, and the Markdown is added to the job's summary.

--server asks a server of this project, and believes of its answer what the pinned key signed: PASSED of every platform that counts is
trusted, FAILED of one untrusted. Which digest the tag names, and which platforms it has, is read in the registry all the same. The answer
has to be about this name and tag, by --server-id, by the policy that --policy names where it is given, and young enough; what isn't is
undetermined, as if there were no answer. What the server says beside it, and nobody signed, is shown as that. A GitHub token in
TRUSTED_BUILDS_SERVER_TOKEN goes to that server, which then also tells of images from private sources that the token can read.

--evidence answers twice: as it was then, at the time of the export and by the policy in the file; and as far as is known now, by your
--policy and the trusted roots here, today. The exit code is that of what is known now: nothing that the file's maker chose is in it, and
without a --policy the IMAGE has to be named that the default policy is to judge. What is only the maker's word is listed.

Exit codes, of several images the worst, in the order 2, 1, 4, 3, 0:
  0  trusted
  1  untrusted: something is wrong, and is listed with what would mend it
  2  wrong usage, a policy, trusted root, archive or file of bundles that can't be read, or a summary (--vsa) that can't be signed, timestamped or written
  3  undetermined: something could not be looked at; ask again
  4  the registry refuses to show IMAGE: log in

Examples:
  trusted-builds verify ghcr.io/acme/app:1.4.0
  trusted-builds verify --platform linux/arm64 --policy trusted-builds.yml registry.example/app@sha256:…
  trusted-builds verify --output json ghcr.io/acme/app:1.4.0 | jq .faults
  trusted-builds verify --output sarif ghcr.io/acme/app:1.4.0 ghcr.io/acme/worker:1.4.0 >verdicts.sarif
  docker compose config --images | trusted-builds verify --quiet --images-from - || echo "not all are trusted"
  trusted-builds verify --offline --as ghcr.io/acme/app --bundles app.jsonl oci-archive:app.tar
  trusted-builds verify --server https://builds.example --server-key builds.pem ghcr.io/acme/app:1.4.0
  trusted-builds verify --evidence app.evidence.tar --policy trusted-builds.yml ghcr.io/acme/app:1.4.0`,
    )
    .action(async (images: string[], options: VerifyOptions) => {
      const { evidence } = options;
      end(
        evidence === undefined
          ? await verifyCommand(worldArguments(images, options), here)
          : await verifyEvidenceCommand(evidenceArguments(images, { ...options, evidence }), here),
      );
    });

  withWalkOptions(program.command("export"), "<images...>")
    .summary("write all that verdicts rest on into one file")
    .description(
      `Judges images as verify does, and writes into one file all that their verdicts rest on: manifests, configs, attestations, what tags
stood for, the policy and the trusted roots. verify --evidence judges it without any connection, however long after.`,
    )
    .requiredOption("-o, --out <file>", "the file")
    .addHelpText(
      "after",
      `
Each image is told with the digest of its result, which verify --evidence comes to as well, and the file with the digest of all that is in
it. The layers aren't in it: carry them as an oci-archive beside it. The policy is in it whole, with what its addresses may tell.

Exit codes: the worst of those of verify; the file is written whatever the verdicts are, but for 2.

Examples:
  trusted-builds export ghcr.io/acme/app:1.4.0 -o app.evidence.tar
  trusted-builds export --policy trusted-builds.yml -o site.evidence.tar ghcr.io/acme/app:1.4.0 ghcr.io/acme/db:16`,
    )
    .action(async (images: string[], { out, ...options }: WalkOptions & { out: string }) => {
      end(await exportCommand({ ...walkSettings(options), images, file: out }, here));
    });

  addDiffCommand(program, here, end);

  addLogCommand(program, here, end);

  program
    .command("verify-bundle")
    .summary("check one Sigstore bundle against one artifact")
    .description(
      "Verifies a Sigstore bundle: the client protocol of sigstore-conformance. A DSSE envelope is accepted only if the artifact is one of its subjects.",
    )
    .argument("<artifact>", "a file, or sha256:DIGEST")
    .requiredOption("--bundle <file>", "the bundle")
    .option("--certificate-identity <identity>", "the whole name in the certificate; never a pattern")
    .option("--certificate-oidc-issuer <url>", "the whole issuer")
    .option("--key <pem>", "a public key, instead of identity and issuer")
    .option("--trusted-root <file>", "a Sigstore trusted root (default: the public good's and GitHub's)")
    .addHelpText(
      "after",
      `
Exit codes:
  0  accepted
  1  rejected, with the reason on standard error
  2  wrong usage

Example:
  trusted-builds verify-bundle --bundle app.sigstore.json \\
    --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1.4.0 \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com app.tar.gz`,
    )
    .action(
      async (
        artifact: string,
        options: {
          bundle: string;
          certificateIdentity?: string;
          certificateOidcIssuer?: string;
          key?: string;
          trustedRoot?: string;
        },
      ) => {
        end(await verifyBundleCommand({ artifact, ...options }, here));
      },
    );

  program
    .command("trust")
    .summary("the keys and authorities that all of it stands on")
    .command("update")
    .summary("fetch the newest trusted roots")
    .description(
      `Fetches the newest trusted roots of Sigstore's public good instance and of GitHub's own by The Update Framework, and keeps them in
the user's cache directory (XDG_CACHE_HOME, or ~/.cache), from where verify takes them. One that can't be fetched stays as it was.`,
    )
    .addHelpText(
      "after",
      `
Exit codes:
  0  all are the newest
  2  there is no place to keep them
  3  one could not be fetched; what is to be known of it is on standard error`,
    )
    .action(async () => {
      end(await trustUpdateCommand(here));
    });

  addDockerfileCommand(program, here, end);

  addSourcePolicyCommand(program, here, end);

  addRootsCommands(program, () => here);

  addPolicyCommands(program, here, end);

  addCompletionCommand(program, here, end);

  addServeCommand(program, end);

  return program;
}
