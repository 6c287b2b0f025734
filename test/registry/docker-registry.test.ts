import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference } from "../../src/image/reference.ts";
import { createRegistryClient } from "../../src/registry/client.ts";
import { dockerCredentials } from "../../src/registry/credentials.ts";
import { toolchain } from "../world/toolchain.ts";
import { BUNDLE_TYPE, bundle, couldNotLook, jsonBytes } from "./image-fixture.ts";

// What the stand-in of the other tests can't prove: that a registry which people run says the same.

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "docker-registry-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

for (const kind of ["without a password", "with a password"] as const) {
  test(`an image is pushed to a docker-registry ${kind}, attested, found and read`, async (t) => {
    const tools = await toolchain(t, ["registry", "crane", "cosign"]);
    if (tools === undefined) return;
    const secret = kind === "with a password";
    const host = secret ? tools.authRegistry : tools.registry;
    const work = await folder(t);
    const auth = Buffer.from(`${tools.authUser}:${tools.authPassword}`).toString("base64");
    await writeFile(join(work, "config.json"), JSON.stringify({ auths: { [tools.authRegistry]: { auth } } }));
    const open = () => {
      const client = createRegistryClient({
        allowHosts: [host],
        credentials: dockerCredentials({ configDirectory: work }),
      });
      t.after(() => client.close());
      return client;
    };
    const client = open();
    const env = { DOCKER_CONFIG: work };

    // A layout that another tool wrote.
    const name = `registry-test/${kind.replaceAll(" ", "-")}-${process.pid}`;
    await writeFile(join(work, "hello"), `hello ${Date.now()}\n`);
    await tools.run("tar", ["-C", work, "-cf", join(work, "layer.tar"), "hello"]);
    await tools.run(
      "crane",
      ["append", "--new_layer", join(work, "layer.tar"), "--new_tag", `${host}/${name}:source`],
      { env },
    );
    await tools.run("crane", ["pull", "--format", "oci", `${host}/${name}:source`, join(work, "layout")], { env });
    const target = parseReference(`${host}/${name}-copy:1.0.0`);
    const digest = await client.pushLayout(join(work, "layout"), target);
    assert.equal((await tools.run("crane", ["digest", `${host}/${name}-copy:1.0.0`], { env })).stdout.trim(), digest);
    await tools.run("crane", ["validate", "--remote", `${host}/${name}-copy:1.0.0`], { env });

    const pinned = (await open().resolve(target))?.pinned;
    assert.equal(pinned?.digest, digest);
    assert.deepEqual(await open().listAttestations(pinned), { candidates: [], omitted: 0, failures: [] });

    const artifact = {
      artifactType: BUNDLE_TYPE,
      mediaType: BUNDLE_TYPE,
      bytes: jsonBytes(bundle()),
      annotations: { note: "ä" },
    };
    const attached = await client.attachReferrer(pinned, artifact);
    const tree = (await tools.run("crane", ["manifest", `${host}/${name}-copy:${digest.replace(":", "-")}`], { env }))
      .stdout;
    assert.ok(tree.includes(attached));
    const { candidates, failures } = await open().listAttestations(pinned);
    assert.deepEqual([candidates.map(({ where }) => where), failures], [[`referrer ${attached}`], []]);
    assert.deepEqual(
      (await candidates[0]!.read()).map((part) => part.kind),
      ["bundle"],
    );

    // Cosign adds to the same list, and both stay.
    const cosign = (...args: string[]) =>
      tools.run("cosign", args, { cwd: work, env: { ...env, COSIGN_PASSWORD: "", HOME: work } });
    await writeFile(join(work, "predicate.json"), JSON.stringify({ buildDefinition: {}, runDetails: {} }));
    await cosign("generate-key-pair");
    await cosign("signing-config", "create", "--out", "sc.json");
    await cosign(
      "attest",
      "--key",
      "cosign.key",
      "--signing-config",
      "sc.json",
      "--type",
      "slsaprovenance1",
      "--predicate",
      "predicate.json",
      "--yes",
      `${host}/${name}-copy@${digest}`,
    );
    const both = await open().listAttestations(pinned);
    assert.equal(both.candidates.length, 2);
    for (const candidate of both.candidates)
      assert.deepEqual(
        (await candidate.read()).map((part) => part.kind),
        ["bundle"],
      );

    const absent = { ...target, tag: "absent" };
    const nowhere = { ...target, repository: `${name}-nowhere` };
    if (secret) {
      await assert.rejects(open().resolve(absent), couldNotLook("not-found-unproven"));
      assert.equal(await client.resolve(absent), undefined);
      await assert.rejects(client.resolve(nowhere), couldNotLook("not-found-unproven"));
      const nobody = createRegistryClient({ allowHosts: [host] });
      t.after(() => nobody.close());
      await assert.rejects(nobody.resolve(target), couldNotLook("credentials-refused"));
    } else {
      assert.equal(await client.resolve(absent), undefined);
      assert.equal(await client.resolve(nowhere), undefined);
    }
    assert.equal(await client.readBlob(pinned, digestOf(Buffer.from("absent")), 100), undefined);
  });
}
