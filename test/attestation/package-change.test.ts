import assert from "node:assert/strict";
import { test } from "node:test";
import { packageChange } from "../../src/attestation/package-change.ts";
import type { AttestedPackage } from "../../src/attestation/packages.ts";

/** `pkg:deb/debian/zlib@1.3`, or a bare name with its version behind a blank. */
function listed(text: string, ...licences: readonly string[]): AttestedPackage {
  const [name = "", version = null] = text.split(" ");
  return { name, version, licences, purl: /^pkg:/i.test(text) ? text : null, source: null };
}

const namesOf = (packages: readonly { readonly purl: string | undefined; readonly name: string }[]) =>
  packages.map(({ purl, name }) => purl ?? name);

test("knows packages again by their URL without version and qualifiers, and tells which came, went or changed", () => {
  const change = packageChange(
    [
      listed("pkg:deb/debian/openssl@3.0.1?arch=amd64&distro=debian-12.1", "Apache-2.0"),
      listed("pkg:deb/debian/zlib@1.3?distro=debian-12.1"),
      listed("pkg:npm/left-pad@1.0.0", "WTFPL"),
      listed("busybox 1"),
    ],
    [
      listed("pkg:deb/debian/zlib@1.3?distro=debian-12.2"),
      listed("pkg:deb/debian/openssl@3.0.2?arch=amd64&distro=debian-12.2", "Apache-2.0"),
      listed("pkg:npm/left-pad@1.0.0", "MIT"),
      listed("musl 2"),
    ],
  );
  assert.deepEqual([namesOf(change.gained), namesOf(change.lost), change.same], [["musl"], ["busybox"], 1]);
  assert.deepEqual(
    change.versions.map(({ from, to }) => [to.purl, from.versions, to.versions]),
    [["pkg:deb/debian/openssl", ["3.0.1"], ["3.0.2"]]],
  );
  assert.deepEqual(
    change.licences.map(({ from, to }) => [to.purl, from.licences, to.licences]),
    [["pkg:npm/left-pad", ["WTFPL"], ["MIT"]]],
  );
});

test("several versions of one package are a set, in whatever order and however often each is listed", () => {
  const before = ["2", "1", "1"].map((version) => listed(`pkg:npm/debug@${version}`));
  const moved = packageChange(before, [listed("pkg:npm/debug@2"), listed("pkg:npm/debug@3")]);
  assert.deepEqual([moved.gained, moved.lost], [[], []]);
  assert.deepEqual(
    moved.versions.map(({ from, to }) => [from.versions, to.versions]),
    [
      [
        ["1", "2"],
        ["2", "3"],
      ],
    ],
  );
  const same = packageChange(before, before.toReversed());
  assert.deepEqual([same.versions, same.same], [[], 1]);
});

test("licences are compared as sets, and one that is told no more is a change", () => {
  const [one, other] = [listed("pkg:npm/a@1", "MIT", "ISC"), listed("pkg:npm/a@1", "ISC", "MIT")];
  assert.equal(packageChange([one], [other]).same, 1);
  assert.deepEqual(packageChange([one], [listed("pkg:npm/a@1")]).licences[0]?.to.licences, []);
});

test("a package URL is read as tools write it: encoded or not, with a scope, a path, or without a version", () => {
  const same: readonly (readonly [string, string])[] = [
    ["pkg:deb/debian/libstdc%2B%2B6@12", "pkg:deb/debian/libstdc++6@12"],
    ["pkg:npm/%40acme/app@1.0.0", "pkg:npm/@acme/app@1.0.0"],
    ["pkg:deb/debian/gcc@1%3A12", "pkg:deb/debian/gcc@1:12?arch=all"],
    ["PKG:npm/app@1", "pkg:npm/app@1"],
    ["pkg:npm/@acme/app", "pkg:npm/%40acme/app"],
    ["pkg:npm/broken%zz@1", "pkg:npm/broken%zz@1?x=y"],
  ];
  const bare = (purl: string): AttestedPackage => ({ ...listed(purl), name: "x", version: null });
  for (const [one, other] of same) {
    const { gained, lost, versions, same } = packageChange([bare(one)], [bare(other)]);
    assert.deepEqual([gained, lost, versions, same], [[], [], [], 1], one);
  }
  // Modules of one repository are told apart by the path behind it.
  const apart = packageChange([bare("pkg:golang/x/genproto@1#api")], [bare("pkg:golang/x/genproto@1#rpc")]);
  assert.deepEqual(
    [namesOf(apart.gained), namesOf(apart.lost)],
    [["pkg:golang/x/genproto#rpc"], ["pkg:golang/x/genproto#api"]],
  );
});

test("a list of hostile names is compared without a name becoming another's, or a key of an object", () => {
  const names = ["__proto__", "constructor", "purl pkg:npm/a", "name x", ""];
  const hostile = names.map((name) => ({ ...listed("x 1"), name }));
  const change = packageChange([], [...hostile, listed("pkg:npm/a@1"), listed("x 1")]);
  assert.equal(change.gained.length, names.length + 2);
});
