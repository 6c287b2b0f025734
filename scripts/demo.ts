// `npm run demo`: the whole thing on this machine. Tags are pushed to three repositories on a stand-in for GitHub; the real server has
// them built by the bundled action, judges what came of it, and says so in check runs. Once as it should be, once with a grandparent
// that was pushed by hand; a pull request is told, before anything is built, that it would bring that in; and whoever holds one of the images
// asks what it is worth.
//
//   --once             ends with the second verdict instead of leaving the pages open until Ctrl-C
//   --without-docker   assembles the images even where there is a docker
//
// Exit 0 only if the verdicts are as they must be.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, styleText } from "node:util";
import { PULL_CHECK } from "../src/build/build.ts";
import { parseReference } from "../src/image/reference.ts";
import { OURS, publishedPolicy } from "../test/app/asked-answers.ts";
import { type Scene, startScene } from "../test/app/scene.ts";
import { startGitServer } from "../test/world/git-server.ts";
import type { CheckRun } from "../test/world/github/check-runs.ts";
import { type OciRegistry, startOciRegistry } from "../test/world/oci-registry.ts";
import { type Builder, findBuilder } from "./demo/builder.ts";
import { inTerminal, onLines } from "./demo/check-run-text.ts";
import { pushByHand } from "./demo/pushed-by-hand.ts";
import { askAsAnyone } from "./demo/whoever-asks.ts";

const { values: options } = parseArgs({
  options: { once: { type: "boolean" }, "without-docker": { type: "boolean" } },
});
// What is started here ends when the terminal ends; nobody waits where there is none.
const staysOpen = !options.once && process.stdout.isTTY === true;

type Format = Parameters<typeof styleText>[0];
const paint = (format: Format, text: string) => styleText(format, text, { stream: process.stdout });
const say = (text = "") => process.stdout.write(`${text}\n`);

/** Prints each step of a check run as it happens. @returns it, completed. */
async function follow(scene: Scene, name: string, tag: string): Promise<CheckRun> {
  const { github } = scene;
  say();
  say(`${paint("bold", `git push origin ${tag}`)}   ${paint("dim", `in acme/${name}`)}`);
  const before = github.checkRuns(`acme/${name}`).length;
  await github.tag(`acme/${name}`, tag);
  let told = "";
  return scene.checkRun(name, ({ status, output }) => {
    if (github.checkRuns(`acme/${name}`).length === before) return false;
    const step = `${status} ${output.title}`;
    if (step !== told && status !== "completed")
      say(
        paint(
          "dim",
          `  ${new Date().toTimeString().slice(0, 8)}  ${status.replace("_", " ").padEnd(11)}  ${output.title}`,
        ),
      );
    told = step;
    return status === "completed";
  });
}

/** Makes a pull request that changes the Dockerfile. @returns its check run, completed. */
async function proposed(scene: Scene, name: string, branch: string, dockerfile: string): Promise<CheckRun> {
  const { github } = scene;
  say();
  say(`${paint("bold", `gh pr create --head ${branch}`)}   ${paint("dim", `in acme/${name}`)}`);
  const head = await github.commit(`acme/${name}`, { Dockerfile: dockerfile }, { branch });
  await github.openPull(`acme/${name}`, { branch });
  return scene.checkRun(
    name,
    (newest) => newest.name === PULL_CHECK && newest.headSha === head && newest.status === "completed",
  );
}

/** In a line, or whole as GitHub would show it. */
function show(checkRun: CheckRun, isWhole: boolean): void {
  say(inTerminal(checkRun, paint, isWhole));
  if (checkRun.detailsUrl !== null) say(`  ${paint("dim", "page")}  ${paint("underline", checkRun.detailsUrl)}`);
}

/** The sources of three images, each FROM the one before; the last has a stage of its own and copies from it and from the first. */
function sources(scene: Scene, { rootfs, hasShell }: Builder, names: readonly [string, string, string]) {
  const [base, runtime] = names.map((name) => scene.image(name));
  // Of its own in each chain: layers of another image that is known would be one that its provenance doesn't name.
  const step = (text: string) => (hasShell ? [`RUN echo ${text} >> /steps`] : [`COPY steps /steps-${text}`]);
  return [
    { Dockerfile: 'FROM scratch\nADD rootfs.tar.gz /\nCMD ["/bin/sh"]\n', "rootfs.tar.gz": rootfs },
    { Dockerfile: [`FROM ${base}:v1.0.0`, ...step(names[1]), ""].join("\n"), steps: "steps\n" },
    {
      Dockerfile: [
        `FROM ${runtime}:v1.0.0 AS build`,
        "COPY app.sh /out/app",
        ...step("built"),
        `FROM ${runtime}:v1.0.0`,
        "COPY --from=build /out/app /app",
        `COPY --from=${base}:v1.0.0 /etc /base-etc`,
        "",
      ].join("\n"),
      "app.sh": "#!/bin/sh\necho app\n",
      steps: "steps\n",
    },
  ] as const;
}

/** @param directory - For what the operator publishes. */
async function demo(registry: OciRegistry, directory: string): Promise<boolean> {
  const git = await startGitServer();
  const probe = await git.repository("demo/probe", { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
  const builder = await findBuilder(
    options["without-docker"] ? "none" : "docker-if-there",
    `${probe.url}#${probe.commit}`,
  );
  await git.close();
  const place = { registry: registry.host, namespace: "acme" };
  const policyFile = join(directory, "published.yml");
  writeFileSync(policyFile, publishedPolicy(place, [OURS]));
  const scene = await startScene({
    ...place,
    env: { POLICY_FILE: policyFile },
    ...(builder.docker && { docker: builder.docker }),
  });
  try {
    const { github, server } = scene;
    say(`${paint("bold", "Trusted Builds")}, all of it on this machine`);
    for (const [what, where] of [
      ["server", `${server.url}, embedded database`],
      ["GitHub", `${github.url}, a stand-in`],
      ["registry", registry.host],
      ["Sigstore", `${scene.sigstore.url}, a stand-in`],
      ["docker", builder.name],
    ])
      say(`  ${paint("dim", (what ?? "").padEnd(9))} ${where}`);

    const make = async (name: string, files: Readonly<Record<string, string | Uint8Array>>) => {
      await scene.repository(name, files);
      github.change(`acme/${name}`, { protected: true });
    };
    const good = ["base", "runtime", "app"] as const;
    const files = sources(scene, builder, good);
    let last: CheckRun | undefined;
    for (const [i, name] of good.entries()) {
      await make(name, files[i] ?? {});
      last = await follow(scene, name, "v1.0.0");
      show(last, name === "app");
    }
    const isTrusted = last?.conclusion === "success";

    say();
    say(paint("bold", "The same again, on a base that somebody pushed by hand: nothing is signed about it."));
    const bad = ["handmade", "service", "shop"] as const;
    pushByHand(
      registry,
      parseReference(`${scene.image("base")}:v1.0.0`),
      parseReference(`${scene.image("handmade")}:v1.0.0`),
    );
    const [, middle, top] = sources(scene, builder, bad);
    await make("service", middle);
    show(await follow(scene, "service", "v1.0.0"), false);
    await make("shop", top);
    const shop = await follow(scene, "shop", "v1.0.0");
    show(shop, true);
    const words = `${shop.output.summary}\n${shop.output.text}`;
    const isUntrusted =
      shop.conclusion === "failure" && /unattested/.test(words) && words.includes(scene.image("handmade"));

    say();
    say(paint("bold", "A pull request to the first app wants that base too. Nothing is built for it."));
    const dockerfile = `${files[2].Dockerfile}`.replaceAll(`${scene.image("runtime")}:`, `${scene.image("handmade")}:`);
    const pull = await proposed(scene, "app", "faster-base", dockerfile);
    show(pull, false);
    say(onLines(pull, dockerfile, paint));
    const isToldBefore =
      pull.conclusion === "failure" &&
      pull.annotations.some(
        ({ annotation_level, message, title }) =>
          annotation_level === "failure" && `${title} ${message}`.includes(scene.image("handmade")),
      );

    say();
    say(
      paint(
        "bold",
        "Whoever holds an image asks the server, without an account. It answers by the policy that its operator publishes.",
      ),
    );
    const images = [`${scene.image("app")}:v1.0.0`, `${scene.image("shop")}:v1.0.0`] as const;
    const isToldToAnyone = await askAsAnyone(scene, images, { paint, say });

    say();
    const asExpected = isTrusted && isUntrusted && isToldBefore && isToldToAnyone && github.violations.length === 0;
    say(asExpected ? "All verdicts are as they must be." : paint("red", "The verdicts aren't as they must be."));
    if (!asExpected)
      say(`${server.output()}\n${scene.runner?.results.at(-1)?.log ?? ""}\n${github.violations.join("\n")}`);
    if (staysOpen) {
      say("The pages above stay open until Ctrl-C.");
      await once(process, "SIGINT");
    }
    return asExpected;
  } finally {
    await scene.close();
  }
}

const registry = await startOciRegistry();
const directory = mkdtempSync(join(tmpdir(), "demo-"));
try {
  process.exitCode = (await demo(registry, directory)) ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
  await registry.close();
}
