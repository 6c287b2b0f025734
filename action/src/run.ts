import { mkdtemp, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Digest } from "../../src/image/digest.ts";
import { parseReference } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { dockerCredentials } from "../../src/registry/credentials.ts";
import { build, buildFiles } from "./build.ts";
import type { PassedSecret } from "./buildx-arguments.ts";
import { type BuiltImage, PROVENANCE_TYPE, readBuiltImage } from "./built-image.ts";
import { createPostAttestation } from "./github-attestations.ts";
import { fetchIdentityToken, readClaims, type TokenClaims } from "./identity-token.ts";
import type { Inputs } from "./inputs.ts";
import { createPublisher, type SignedStatement } from "./publish.ts";
import { signStatement } from "./sign.ts";
import type { Summary } from "./summary.ts";
import { gitUrl, runUrl, type WorkflowRun } from "./workflow-run.ts";
import { workflowStatement } from "./workflow-statement.ts";

/** What the action needs of the runner. */
export interface Runner {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One step, as a group of the log that says how long it took. */
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
  info(message: string): void;
  warn(message: string): void;
  /** Keeps what other programs print from being taken for commands to the runner. */
  muted<T>(run: () => Promise<T>): Promise<T>;
  now(): Date;
}

/**
 * Builds, pushes by digest, signs, attaches, and only then moves the tags: whoever pulls by tag gets the old image or a signed one.
 *
 * @throws an error of one of the steps, after which no tag has moved unless it says so.
 */
export async function run(inputs: Inputs, workflowRun: WorkflowRun, runner: Runner): Promise<Summary> {
  const { env } = runner;
  const warnings: string[] = [];
  const warn = (message: string) => {
    warnings.push(message);
    runner.warn(message);
  };
  const name = parseReference(inputs.image);
  runner.info(
    `build ${inputs.buildId ?? "without id"}: ${inputs.image} from ${workflowRun.repository} at ${workflowRun.commit}`,
  );
  // First: without the permission to sign, the build would be for nothing.
  const claims = await runner.step("Identity", async () => readClaims(await fetchIdentityToken(), workflowRun));
  const client = createRegistryClient({
    // The caller named this registry; where it sends us is held to public addresses all the same (DESIGN §7).
    allowHosts: [
      name.registry,
      ...(env.TRUSTED_BUILDS_ALLOW_HOSTS ?? "").split(/[\s,]+/).filter((host) => host !== ""),
    ],
    credentials: dockerCredentials({ configDirectory: env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker") }),
  });
  const directory = await mkdtemp(join(workflowRun.temporaryDirectory, "trusted-builds-"));
  try {
    const publisher = createPublisher(client, name, runner.info, runner.now);
    const files = buildFiles(directory);
    const digest = await runner.step("Build", () => buildFrom(inputs, workflowRun, claims, files, runner));
    const image = await readBuiltImage(files.layout, digest);
    runner.info(`built ${digest}: ${image.platforms.map(({ platform }) => platform).join(", ")}`);
    await runner.step("Push by digest", () => publisher.pushByDigest(files.layout, digest));
    const signed = await runner.step("Sign", () => sign(image, inputs, workflowRun, claims));
    await runner.step("Attach", async () => {
      for (const each of signed) {
        runner.info(`${each.subject} has ${await publisher.attach(each)}`);
      }
    });
    await runner.step("Tell GitHub", () => post(signed, inputs, workflowRun, runner.info, warn));
    await runner.step("Move the tags", async () => {
      for (const tag of inputs.tags) {
        await publisher.moveTag(tag, image);
        runner.info(`${inputs.image}:${tag} is ${digest}`);
      }
    });
    return {
      image: inputs.image,
      index: digest,
      tags: inputs.tags,
      platforms: image.platforms,
      commit: workflowRun.commit,
      sourceUrl: `${workflowRun.serverUrl}/${workflowRun.repository}/tree/${workflowRun.commit}`,
      signer: `${workflowRun.serverUrl}/${claims.jobWorkflowRef}`,
      warnings,
    };
  } finally {
    await client.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function buildFrom(
  inputs: Inputs,
  workflowRun: WorkflowRun,
  claims: TokenClaims,
  files: ReturnType<typeof buildFiles>,
  { env, muted }: Runner,
): Promise<Digest> {
  const url = gitUrl(workflowRun);
  const secrets = [...inputs.secrets, ...gitToken(inputs, workflowRun, claims)].map(([id, value], index) => {
    const passed: PassedSecret = { id, variable: `TRUSTED_BUILDS_SECRET_${index}` };
    return { passed, value };
  });
  const plan = {
    ...inputs,
    ...files,
    secrets: secrets.map(({ passed }) => passed),
    gitUrl: url,
    commit: workflowRun.commit,
    builderId: runUrl(workflowRun),
  };
  const values = Object.fromEntries(secrets.map(({ passed, value }) => [passed.variable, value]));
  return build(plan, values, env, muted);
}

/**
 * The job's token for git, where the source can't be read without. Under the plain name `GIT_AUTH_TOKEN` BuildKit would send it to the
 * host of every git URL of the Dockerfile; with the host behind it goes to the source's server alone.
 */
function gitToken(
  { githubToken }: Inputs,
  { serverUrl }: WorkflowRun,
  { visibility }: TokenClaims,
): readonly (readonly [string, string])[] {
  const isOpen = visibility === "public" && serverUrl === "https://github.com";
  return githubToken === undefined || isOpen ? [] : [[`GIT_AUTH_TOKEN.${new URL(serverUrl).host}`, githubToken]];
}

async function sign(
  image: BuiltImage,
  { image: name, signing }: Inputs,
  workflowRun: WorkflowRun,
  claims: TokenClaims,
): Promise<readonly SignedStatement[]> {
  const over = workflowStatement({ name, index: image.index }, claims, workflowRun.serverUrl, runUrl(workflowRun));
  const statements = [
    ...image.platforms.map(({ manifest, provenance }) => ({ subject: manifest, payload: provenance })),
    { subject: image.index, payload: over },
  ];
  const signed: SignedStatement[] = [];
  for (const { subject, payload } of statements) {
    const bundle = await signStatement(payload, signing, fetchIdentityToken);
    signed.push({ subject, predicateType: PROVENANCE_TYPE, bundle });
  }
  return signed;
}

async function post(
  signed: readonly SignedStatement[],
  { githubToken }: Inputs,
  workflowRun: WorkflowRun,
  info: (message: string) => void,
  warn: (message: string) => void,
): Promise<void> {
  if (githubToken === undefined) return info("no github-token: GitHub's attestations API gets nothing");
  const postAttestation = createPostAttestation(workflowRun, githubToken);
  for (const { subject, bundle } of signed) {
    const posted = await postAttestation(bundle);
    if (posted.kind === "stored") info(`${subject}: attestation ${posted.id}`);
    // The others would meet the same, and the warning would say so once more each.
    else return warn(`${posted.reason}. The image has its bundles in the registry`);
  }
}
