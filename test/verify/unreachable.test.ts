import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, test } from "node:test";
import { publish } from "../world/chain.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import type { Toolchain } from "../world/toolchain.ts";
import { told } from "./command.ts";
import { once, scene } from "./scene.ts";

const stage = await scene();
const failing = await startOciRegistry();
after(() => failing.close());
afterEach(() => failing.heal());

/** An app in the real registry on a base that is in another: one that can fail, or the one with a password. */
const ancestors = once(async (world) => {
  const namespace = `acme-${randomBytes(4).toString("hex")}`;
  const at = (registry: string) => ({
    toolchain: world,
    sigstore: stage.sigstore,
    git: stage.git,
    namespace,
    registry,
  });
  const on = async (registry: string, name: string) => {
    const files = { Dockerfile: "FROM scratch\nCOPY file /file\n", file: `${name}\n` };
    const base = await publish(at(registry), { name: `${name}-base`, files });
    const app = { Dockerfile: `FROM ${base.image}\nCOPY file /app\n`, file: "app\n" };
    return { base, app: await publish(at(world.registry), { name: `${name}-app`, files: app }) };
  };
  const failed = await on(failing.host, "failing");
  const bare = await publish(at(world.registry), {
    name: "bare",
    files: { Dockerfile: "FROM scratch\nCOPY file /bare\n", file: "bare\n" },
    attach: { platformProvenance: false, indexStatement: false },
  });
  const both = { Dockerfile: `FROM ${bare.image}\nCOPY --from=${failed.base.image} /file /file\n` };
  const registries = [world.registry, failing.host, world.authRegistry];
  return {
    failed,
    mixed: await publish(at(world.registry), { name: "mixed", files: both }),
    closed: await on(world.authRegistry, "closed"),
    policy: stage.policy(world, namespace, { registries }),
  };
});

const allowed = ["--allow-host", failing.host];
const login = (world: Toolchain) => ({ env: { DOCKER_CONFIG: world.env.DOCKER_CONFIG ?? "" } });

test("trusts an image whose base is in another registry, where that host is allowed", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  const { failed, policy } = made;
  const { exit, verdict } = await stage.verify(failed.app.image, policy, allowed);
  assert.deepEqual([exit, told(verdict)], [0, []]);
  const env = { TRUSTED_BUILDS_ALLOW_HOSTS: `elsewhere.example:5000, ${failing.host}` };
  assert.equal((await stage.verify(failed.app.image, policy, [], { env })).exit, 0);
});

test("can't tell of an image whose base is at a private address that nobody allowed, and names the host to allow", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  const { exit, verdict } = await stage.verify(made.failed.app.image, made.policy);
  assert.deepEqual(
    [exit, verdict.verdict, told(verdict), told(verdict, "unreachable")],
    [3, "undetermined", [], ["address-refused: failing-app → base failing-base"]],
  );
  assert.match(verdict.unreachable[0]?.mend ?? "", /--allow-host/);
});

const faults = [
  { name: "answers 500", fault: { status: 500 }, code: "server-error" },
  { name: "breaks every connection", fault: "reset", code: "network" },
  { name: "sends other bytes", fault: "corrupt", code: "digest-mismatch" },
  { name: "says 403", fault: { status: 403 }, code: "credentials-refused" },
  { name: "says 429 for ever", fault: { status: 429, headers: { "retry-after": "0" } }, code: "rate-limited" },
] as const;

for (const { name, fault, code } of faults) {
  test(`R15 can't tell of an image whose base's registry ${name} (${code})`, async (t) => {
    const made = await ancestors(t);
    if (!made) return;
    failing.fail(/^(?:GET|HEAD) \/v2\/acme/, fault);
    const { exit, verdict } = await stage.verify(made.failed.app.image, made.policy, allowed);
    assert.deepEqual(
      [exit, verdict.verdict, told(verdict), told(verdict, "unreachable")],
      [3, "undetermined", [], [`${code}: failing-app → base failing-base`]],
    );
  });
}

test("R15 can't tell of an image whose base's attestations alone can't be read", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  failing.fail(/\/referrers\/|\/manifests\/sha256-/, { status: 500 });
  const { exit, verdict } = await stage.verify(made.failed.app.image, made.policy, allowed);
  assert.deepEqual(
    [exit, told(verdict), told(verdict, "unreachable")],
    [3, [], ["server-error: failing-app → base failing-base"]],
  );
});

test("R15 trusts on what one place has, where another place for attestations fails", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  failing.fail(/\/manifests\/sha256-[0-9a-f]{64}\.(?:att|sig)/, { status: 500 });
  assert.equal((await stage.verify(made.failed.app.image, made.policy, allowed)).exit, 0);
});

test("can't tell of the image asked about where nobody listens", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  const closed = await startOciRegistry();
  await closed.close();
  const { exit, verdict } = await stage.verify(`${closed.host}/acme/app:1`, made.policy);
  assert.deepEqual([exit, told(verdict, "unreachable")], [3, ["network: app"]]);
});

test("distrusts an image with a fault, whatever else can't be looked at", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  const { mixed, policy } = made;
  failing.fail(/^(?:GET|HEAD) \/v2\/acme/, { status: 500 });
  const { exit, verdict } = await stage.verify(mixed.image, policy, allowed);
  assert.deepEqual(
    [exit, verdict.verdict, told(verdict), told(verdict, "unreachable")],
    [1, "untrusted", ["unattested: mixed → base bare"], ["server-error: mixed → input failing-base"]],
  );
});

test("exits with 4 where the registry refuses the image itself, and with 0 after docker login", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  const { closed, policy, world } = made;
  const refused = await stage.verify(closed.base.image, policy);
  assert.deepEqual(
    [refused.exit, refused.verdict.verdict, told(refused.verdict, "unreachable")],
    [4, "undetermined", ["credentials-refused: closed-base"]],
  );
  assert.equal((await stage.verify(closed.base.image, policy, [], login(world))).exit, 0);
});

test("exits with 3 where the registry refuses an ancestor, and with 0 after docker login", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  const { closed, policy, world } = made;
  const args = ["--allow-host", world.authRegistry];
  const refused = await stage.verify(closed.app.image, policy, args);
  assert.deepEqual(
    [refused.exit, told(refused.verdict), told(refused.verdict, "unreachable")],
    [3, [], ["credentials-refused: closed-app → base closed-base"]],
  );
  assert.equal((await stage.verify(closed.app.image, policy, args, login(world))).exit, 0);
});

test("R32 doesn't send the password to another registry than the one it belongs to", async (t) => {
  const made = await ancestors(t);
  if (!made) return;
  failing.requests.length = 0;
  assert.equal((await stage.verify(made.failed.app.image, made.policy, allowed, login(made.world))).exit, 0);
  assert.ok(failing.requests.length > 0);
  assert.ok(failing.requests.every(({ headers }) => headers.authorization === undefined));
});
