import assert from "node:assert/strict";
import { test } from "node:test";
import { readDockerfile } from "../../../src/image/dockerfile/read.ts";
import { DockerfileError, type DockerfileRequest } from "../../../src/image/dockerfile/reading.ts";
import { formatPlatform, parsePlatform } from "../../../src/image/platform.ts";
import { DIGEST, reached, read } from "./reading.ts";

const refuses = (text: string | readonly string[], line: number, request?: Partial<DockerfileRequest>) =>
  assert.throws(
    () => read(text, request),
    (error) => error instanceof DockerfileError && error.code === "dockerfile" && error.line === line,
    String(text).slice(0, 200),
  );

test("tells reference, platform, role, stage and lines of a base", () => {
  const reading = read(["# a comment", "FROM --platform=linux/arm64 \\", "  alpine:3.19 AS Build", "RUN true"]);
  const [use] = reading.images;
  assert.equal(use?.key, "docker.io/library/alpine:3.19 linux/arm64");
  assert.deepEqual(
    [use.role, use.by, use.stage, use.line, use.endLine, use.written],
    ["base", "FROM", "build", 2, 3, "alpine:3.19"],
  );
  assert.equal(reading.target, "build");
  assert.deepEqual(reading.bases, reading.images);
});

test("finds COPY --from behind any other flag, quoted, escaped, continued or in lower case", () => {
  for (const line of [
    "COPY --from=evil a /b",
    "COPY --chown=1:1 --link --from=evil a /b",
    "COPY --link=false --from='evil' a /b",
    'COPY --chown="a b" --from=e\\vil a /b',
    "copy --chmod=755 \\\n# comment\n\n  --from=evil a /b",
    'COPY --from=evil ["a", "/b"]',
    "COPY --from=evil <<EOF a /b\ntext\nEOF",
  ]) {
    assert.deepEqual(reached(read(["FROM scratch", line])), ["COPY evil"], line);
  }
  // Quoted as a whole it is a path to BuildKit.
  assert.deepEqual(reached(read(["FROM scratch", 'COPY "--from=evil" a /b'])), []);
});

test("refuses a flag with a character that BuildKit takes for a space", () => {
  refuses(["FROM scratch", "COPY --chown=à--from=evil a /b"], 2);
  refuses(["FROM scratch", "COPY \u00a0--from=evil a /b"], 2);
  refuses(["FROM scratch", "COPY \u2003--from=evil a /b"], 2);
  assert.deepEqual(reached(read(["FROM scratch", "COPY --chown=ü --from=evil a /b"])), ["COPY evil"]);
});

test("ends flags at no white space of several bytes, at which BuildKit doesn't end them", () => {
  assert.deepEqual(reached(read(["FROM scratch", "COPY --exclude=a\u2003-- --from=evil /x /y"])), ["COPY evil"]);
  assert.deepEqual(reached(read(["FROM scratch", "COPY --exclude=a\u3000-- --from=evil /x /y"])), ["COPY evil"]);
});

test("refuses bytes that aren't UTF-8 where BuildKit goes by bytes", () => {
  const refusesBytes = (text: string) =>
    assert.throws(
      () => readDockerfile(Buffer.from(text, "latin1"), { platform: parsePlatform("linux/amd64") }),
      DockerfileError,
    );
  // A byte that is white space to it.
  refusesBytes("FROM scratch\nCOPY --exclude=a\xa0--from=evil /x /y\n");
  refusesBytes("FROM scratch\nCOPY --exclude=a\\\x85--from=evil /x /y\n");
  // Another byte than that which would end the text, so that to BuildKit there is no second FROM.
  refusesBytes('FROM evil\nCOPY <<"RUN :\xff" /x\nRUN :\xff\nFROM scratch\nRUN :\xef\xbf\xbd\n');
  const comment = readDockerfile(Buffer.from("# caf\xe9\nFROM alpine\nRUN echo \xe9\n", "latin1"), {
    platform: parsePlatform("linux/amd64"),
  });
  assert.deepEqual(reached(comment), ["alpine"]);
});

test("refuses flags and directives that BuildKit's versions read in different ways", () => {
  refuses(["# escape=`", "FROM scratch", "COPY --exclude=a\\ --from=evil /x /y"], 3);
  refuses(["# escape=`", "FROM scratch", "COPY --exclude=a` --from=evil /x /y"], 3);
  refuses(["# escape=`", "FROM scratch", "COPY --fr`om=evil /x /y"], 3);
  refuses(["# escape=`", "FROM scratch", 'RUN --mount=target=/x,"a\\",from=evil" true'], 3);
  refuses(["FROM scratch", 'ADD ["http://evil/x", "/"] y'], 2);
  refuses(["FROM scratch", 'RUN ["a"] <<E', "FROM evil", "E"], 2);
  for (const line of ['RUN ["a"] && b', 'CMD ["a"] # b', "RUN [ -f x ] && cat <<E\nE", 'COPY ["a]", "/"]'])
    assert.deepEqual(reached(read(["FROM alpine", line])), ["alpine"]);
  const windows = ["# escape=`", "FROM scratch", "RUN --mount=from=evil,target=C:\\x `", " --network=none dir"];
  assert.deepEqual(reached(read(windows)), ["RUN evil"]);
  refuses(["#\u00a0escape=`", "FROM scratch", "RUN a `", "FROM evil"], 1);
  refuses(["#\vescape=`", "FROM scratch", "RUN a `", "FROM evil"], 1);
  assert.deepEqual(reached(read(["#\t escape=`", "FROM alpine", "RUN a `", "FROM evil"])), ["alpine"]);
});

test("a file that an older frontend of its own choice would read otherwise is unresolved", () => {
  const whys = (lines: readonly string[]) => read(lines).unresolved.filter(({ role }) => role === "base").length;
  const hidden = [
    ["FROM alpine", 'RUN <<"RUN :"', "FROM evil", "RUN :"],
    ["FROM alpine", "RUN <<EOF", "FROM evil", "RUN : \\", "EOF"],
    ["FROM alpine", 'RUN <<"# end"', "FROM evil", ...Array.from({ length: 10_001 }, () => "RUN :"), "# end"],
  ];
  for (const lines of hidden) {
    assert.equal(whys(["# syntax=docker/dockerfile:1.2", ...lines]), 1);
    // The builder's own frontend knows heredocs.
    assert.equal(whys(lines), 0);
  }
  assert.equal(
    whys(["# syntax=docker/dockerfile:1.2", "# check=skip=all", "# escape=`", "FROM alpine", "RUN : `", "FROM evil"]),
    1,
  );
  const honest = [
    "# check=skip=all",
    "FROM alpine",
    "RUN <<EOF",
    "set -e",
    "env",
    "EOF",
    "COPY <<EOF /x",
    "text",
    "EOF",
  ];
  assert.equal(whys(["# syntax=docker/dockerfile:1", ...honest]), 0);
});

test("takes for an address what a variable of the base image can make one", () => {
  const http = (base: string, line: string) =>
    read([`FROM ${base}`, line.replace("@", "$")]).others.filter(({ kind, isPinned }) => kind === "http" && !isPinned)
      .length;
  // Unset it is nothing, and set it may be what stands behind `+`.
  assert.equal(http("alpine", "ADD ht@{X}tp://evil/x /"), 1);
  assert.equal(http("alpine", "ADD h@{X:+ttps://evil/x} /"), 1);
  assert.equal(http("alpine", "ADD h't'@{X?none}tp://evil/x /"), 1);
  assert.equal(http("alpine", "ADD app-@{X}.jar /"), 0);
  assert.equal(http("scratch", "ADD ht@{X}tp://evil/x /"), 1);
});

test("finds images in mounts, whatever the order and quotes of the fields", () => {
  assert.deepEqual(
    reached(
      read([
        "FROM alpine",
        'RUN --network=none --mount=type=cache,target=/c --mount=target=/x,"from=evil:1" true',
        "RUN --mount=FROM=other,dst=/y true",
        "RUN --mount=type=tmpfs,from=third,dst=/y true",
      ]),
    ),
    ["alpine", "RUN evil:1", "RUN other", "RUN third"],
  );
  refuses(["ARG X=a", "FROM alpine", "RUN --mount=from=$X,target=/y true"], 3);
  refuses(["FROM alpine", "RUN --mount=type=tmp,target=/y true"], 2);
  refuses(["FROM alpine", 'RUN --mount=type=bind,\\"from=a true'], 2);
});

test("takes a stage's name for the stage, in any case, by number, and where it is an image's name as well", () => {
  const lines = [
    "FROM golang AS alpine",
    "FROM alpine",
    "COPY --from=ALPINE a /b",
    "COPY --from=0 a /b",
    "COPY --from=debian a /b",
  ];
  assert.deepEqual(reached(read(lines)), ["golang", "COPY debian"]);
  assert.deepEqual(reached(read([...lines, "FROM scratch", "COPY --from=3 a /b"])), ["COPY debian"]);
  // BuildKit compares a FROM with stages' names as it stands.
  assert.equal(read(["FROM golang AS build", "FROM Build"]).unresolved[0]?.line, 2);
});

test("takes a stage for what it is called, even if that is scratch", () => {
  assert.deepEqual(reached(read(["FROM evil AS scratch", "FROM scratch"])), ["evil"]);
  assert.deepEqual(reached(read(["FROM evil AS scratch", "FROM alpine", "RUN --mount=type=cache,target=/c true"])), [
    "evil",
    "alpine",
  ]);
});

test("numbers sources behind the stages, as BuildKit does", () => {
  const lines = ["FROM scratch AS a", "COPY --from=evil x /y", "FROM scratch", "COPY --from=2 x /y"];
  assert.deepEqual(reached(read(lines)), ["COPY evil"]);
  refuses([...lines, "COPY --from=3 x /y"], 5);
});

test("reaches only what the target needs", () => {
  const lines = [
    "FROM golang AS build",
    "FROM node AS web",
    "COPY --from=build a /b",
    "FROM alpine AS last",
    "COPY --from=web a /b",
  ];
  assert.deepEqual(reached(read(lines, { target: "BUILD" })), ["golang"]);
  assert.deepEqual(reached(read(lines, { target: "web" })), ["golang", "node"]);
  assert.deepEqual(reached(read(lines, { target: "1" })), ["golang", "node"]);
  assert.deepEqual(reached(read(lines)), ["golang", "node", "alpine"]);
  assert.equal(read(lines, { target: "build" }).images.length, 3);
  refuses(lines, 1, { target: "other" });
});

test("refuses circles, stages used before they begin, and numbers of none", () => {
  refuses(["FROM a AS x", "COPY --from=y a /b", "FROM b AS y", "COPY --from=x a /b"], 4);
  refuses(["FROM a AS x", "COPY --from=x a /b"], 2);
  refuses(["FROM a AS x", "COPY --from=y a /b", "FROM b AS y", "FROM x"], 2);
  refuses(["FROM a", "COPY --from=1 a /b"], 2);
  refuses(["FROM a", "COPY --from=-1 a /b"], 2);
});

test("puts in variables of the global scope only, with defaults, build arguments and several to a line", () => {
  const lines = ["ARG NAME=alpine TAG=3", `ARG REF=\${NAME}:\${TAG}`, "FROM $REF", "ARG NAME=evil", "FROM $NAME"];
  assert.deepEqual(reached(read(lines)), ["alpine"]);
  assert.deepEqual(reached(read(lines, { target: "0" })), ["alpine:3"]);
  assert.deepEqual(reached(read(lines, { target: "0", buildArgs: { TAG: "4" } })), ["alpine:4"]);
  assert.deepEqual(reached(read(lines, { target: "0", buildArgs: { REF: "debian" } })), ["debian"]);
  assert.deepEqual(reached(read(lines, { buildArgs: { OTHER: "debian" } })), ["alpine"]);
});

test("leaves no image out that it can't make out", () => {
  for (const [line, lines] of [
    [1, ["FROM $BASE"]],
    [2, ["ARG BASE", `FROM \${BASE}`]],
    [2, ["ARG BASE=", 'FROM "$BASE"']],
    [1, ["FROM alpine:$TAG"]],
    [1, [`FROM \${BASE:?needed}`]],
    [1, ["FROM UPPER"]],
    [1, ["FROM --platform=$P alpine"]],
    [1, ["FROM --platform=no/such/thing/at/all alpine"]],
    [2, ["FROM alpine", "COPY --from=UPPER a /b"]],
    [2, ["FROM alpine", "RUN --mount=from=a:b:c,target=/x true"]],
    [1, ["# syntax=UPPER", "FROM alpine"]],
  ] as const) {
    const found = read(lines).unresolved.filter(({ by }) => by !== "syntax" || line === 1);
    assert.ok(
      found.length > 0 && found.every((use) => use.line === line && use.isReached && use.why !== ""),
      lines.join(" | "),
    );
  }
});

test("knows the platforms in the global scope, and of a stage only what it declares", () => {
  const request = { platform: parsePlatform("linux/arm/v7"), buildPlatform: parsePlatform("linux/amd64") };
  const lines = [
    "FROM --platform=$BUILDPLATFORM golang AS b",
    "FROM img-$TARGETARCH$TARGETVARIANT:$TARGETSTAGE AS out",
    "COPY --from=b a /b",
  ];
  const reading = read(lines, request);
  assert.deepEqual(
    reading.images.map(({ key }) => key),
    ["docker.io/library/golang:latest linux/amd64", "docker.io/library/img-armv7:out linux/arm/v7"],
  );
  const half = read(["FROM --platform=arm64 a AS x", "FROM --platform=windows a"], request).images;
  assert.deepEqual(
    half.map(({ platform }) => formatPlatform(platform)),
    ["linux/arm64", "windows/amd64"],
  );
  const image = read(["FROM --platform=linux/s390x a", "COPY --from=evil a /b"], request).images[1];
  assert.equal(image && formatPlatform(image.platform), "linux/arm/v7");
});

test("reads no instruction in a heredoc, and each one behind it", () => {
  const body = ["FROM evil", "COPY --from=evil a /b"];
  for (const [begin, end] of [
    ["RUN <<EOF", "EOF"],
    ["RUN <<-EOF cat", "\t\tEOF"],
    ["RUN cat << 'EOF'", "EOF"],
    ['RUN cat <<"E O F"', "E O F"],
    ["ADD 3<<EOF /x", "EOF"],
    ["ONBUILD RUN <<EOF", "EOF"],
    ["run \\\n  <<EOF", "EOF"],
  ] as const) {
    assert.deepEqual(
      reached(read(["FROM alpine", begin, ...body, end, "COPY --from=seen a /b"])),
      ["alpine", "COPY seen"],
      begin,
    );
  }
  assert.deepEqual(reached(read(["FROM alpine", "RUN <<A <<B", "B", "A", "FROM evil", "B", "COPY --from=seen a /b"])), [
    "alpine",
    "COPY seen",
  ]);
  assert.deepEqual(reached(read(["FROM alpine", "RUN <<EOF", "\tEOF", "FROM evil", "EOF"])), ["alpine"]);
  // None of these begins one, so that the lines below are instructions.
  for (const line of [
    'RUN ["<<EOF"]',
    "RUN echo it's <<EOF",
    "RUN cat <<<EOF",
    "RUN a<<EOF",
    "CMD <<EOF",
    "ENV A=<<EOF",
  ]) {
    assert.deepEqual(reached(read(["FROM alpine", line, "FROM seen", "CMD EOF"])), ["seen"], line);
  }
  refuses(["FROM alpine", "RUN <<EOF", "text"], 2);
});

test("follows directives, byte order marks, continuations and ends of lines", () => {
  assert.deepEqual(reached(read(["# escape=`", "FROM alpine", "RUN dir c:\\", "FROM `", "  seen"])), ["seen"]);
  assert.deepEqual(reached(read(["# a comment", "# escape=`", "FROM alpine", "RUN a \\", "FROM evil"])), ["alpine"]);
  assert.deepEqual(reached(read(["FROM alpine", "RUN a \\\\", "FROM seen"])), ["seen"]);
  assert.deepEqual(reached(read(["FROM alpine", "RUN a \\  ", "  # comment", "", "FROM evil"])), ["alpine"]);
  assert.deepEqual(reached(read("\uFEFF# escape=`\r\nFROM alpine\r\nRUN c:\\\r\nFROM `\r\n seen\r\n")), ["seen"]);
  refuses(["# escape=x", "FROM alpine"], 1);
  refuses(["# escape=`", "# escape=`", "FROM alpine"], 2);
});

test("names the frontend in each of the forms in which BuildKit finds it (R19)", () => {
  const frontends = (text: string, request?: Partial<DockerfileRequest>) =>
    read(text, request)
      .images.filter(({ role }) => role === "frontend")
      .map(({ key, line }) => `${key} ${line}`);
  const one = "docker.io/docker/dockerfile:1 linux/amd64";
  assert.deepEqual(frontends("# syntax=docker/dockerfile:1\nFROM a"), [`${one} 1`]);
  assert.deepEqual(frontends("\uFEFF#syntax = docker/dockerfile:1 --x\r\nFROM a"), [`${one} 1`]);
  assert.deepEqual(frontends("#!/usr/bin/x\n# escape=`\n# SYNTAX=docker/dockerfile:1\nFROM a"), [`${one} 3`]);
  assert.deepEqual(frontends("//syntax=docker/dockerfile:1\n{}"), [`${one} 1`]);
  assert.deepEqual(frontends('{"syntax": "docker/dockerfile:1"}'), [`${one} 1`]);
  assert.deepEqual(frontends("# comment\n# syntax=docker/dockerfile:1\nFROM a"), []);
  assert.deepEqual(frontends(" # syntax=docker/dockerfile:1\nFROM a"), []);
  assert.deepEqual(frontends("# syntax=a\nFROM a", { buildArgs: { BUILDKIT_SYNTAX: "docker/dockerfile:1 x" } }), [
    `${one} 1`,
  ]);
});

test("doesn't take its own reading for that of another frontend", () => {
  for (const text of [
    "# syntax=evil/frontend\nFROM a",
    "# syntax=evil/frontend\nname: x",
    "// syntax=docker/dockerfile\n{}",
    '{"syntax":"x"}',
  ]) {
    const [unresolved, ...more] = read(text).unresolved;
    assert.deepEqual(
      [unresolved?.role, unresolved?.by, unresolved?.isReached, more.length],
      ["base", "syntax", true, 0],
      text,
    );
  }
  assert.deepEqual(read("# syntax=ghcr.io/mirror/dockerfile:1\nFROM a").unresolved, []);
});

test("lets a named context stand in for stages, images and frontends, under each of its names", () => {
  const contexts = (name: string, value: string) => ({ contexts: { [name]: value } });
  assert.deepEqual(
    reached(read(["FROM alpine"], contexts("docker.io/library/alpine:latest", "docker-image://evil:1"))),
    ["context evil:1"],
  );
  assert.deepEqual(reached(read(["FROM alpine:latest"], contexts("alpine", "docker-image://evil:1"))), [
    "context evil:1",
  ]);
  assert.deepEqual(reached(read(["FROM alpine:3"], contexts("alpine", "docker-image://evil:1"))), ["alpine:3"]);
  assert.deepEqual(reached(read(["FROM a", "COPY --from=files x /y"], contexts("files", "docker-image://evil:1"))), [
    "a",
    "context evil:1",
  ]);
  const stages = ["FROM golang AS build", "COPY --from=debian a /b", "FROM scratch", "COPY --from=build a /b"];
  assert.deepEqual(reached(read(stages, contexts("build", "docker-image://evil:1"))), ["context evil:1"]);
  assert.deepEqual(reached(read(["FROM scratch"], contexts("scratch", "docker-image://evil:1"))), []);
  assert.deepEqual(
    reached(
      read(
        ["# syntax=docker/dockerfile:1", "FROM a"],
        contexts("docker/dockerfile:1", "docker-image://evil/dockerfile:1"),
      ),
    ),
    ["context docker.io/evil/dockerfile:1", "a"],
  );
  assert.deepEqual(reached(read(["FROM a"], contexts("a", "docker-image://scratch"))), []);
  const others = (value: string) => {
    const { others, images, unresolved } = read(["FROM a"], contexts("a", value));
    assert.equal(images.length, 0);
    return [
      ...others.map(({ kind, isPinned }) => `${kind} ${isPinned}`),
      ...unresolved.map(({ by }) => `unresolved ${by}`),
    ];
  };
  assert.deepEqual(others("oci-layout:///x:y"), ["oci-layout false"]);
  assert.deepEqual(others(`oci-layout:///x@${DIGEST}`), ["oci-layout true"]);
  assert.deepEqual(others("target:other"), ["unresolved context"]);
  assert.deepEqual(others("docker-image://UPPER"), ["unresolved context"]);
  assert.deepEqual(others("https://example.com/x.git#main"), ["git false"]);
  assert.deepEqual(others("https://example.com/x.tgz"), ["http false"]);
  assert.deepEqual(others("./folder"), ["local-context false"]);
  assert.throws(() => read(["FROM a"], contexts("UPPER", "x")), RangeError);
});

test("runs ONBUILD in the stages that start from it, and only there", () => {
  const lines = [
    "FROM alpine AS base",
    "ONBUILD COPY --chown=1 --from=evil a /b",
    "ONBUILD RUN --mount=from=other,target=/x true",
  ];
  assert.deepEqual(reached(read(lines)), ["alpine"]);
  const reading = read([...lines, "FROM base"]);
  assert.deepEqual(reached(reading), ["alpine", "ONBUILD evil", "ONBUILD other"]);
  assert.deepEqual(
    reading.images.map(({ line, stage }) => `${line} ${stage}`),
    ["1 base", "2 1", "3 1"],
  );
  refuses(["FROM a", "ONBUILD ONBUILD RUN x"], 2);
  refuses(["FROM a", "ONBUILD FROM x"], 2);
});

test("runs the triggers of base images, down to those of what they bring in", () => {
  const key = (name: string) => `docker.io/library/${name}:latest linux/amd64`;
  const triggers = new Map([
    [key("a"), ["COPY --from=b x /y", "COPY --from=build x /y"]],
    [key("golang"), ["ADD https://example.com/x /x"]],
  ]);
  const lines = ["FROM golang AS build", "FROM a AS last"];
  assert.deepEqual(reached(read(lines)), ["a"]);
  assert.deepEqual(
    read(lines).bases.map(({ key }) => key),
    [key("a")],
  );
  const reading = read(lines, { triggers });
  assert.deepEqual(reached(reading), ["golang", "a", "ONBUILD b"]);
  assert.deepEqual(reading.bases, []);
  assert.deepEqual(
    reading.others.map(({ kind, line, stage }) => `${kind} ${line} ${stage}`),
    ["http 1 build"],
  );
  const trigger = reading.images.find(({ by }) => by === "ONBUILD");
  assert.deepEqual([trigger?.line, trigger?.place, trigger?.stage], [2, undefined, "last"]);
  refuses(lines, 2, { triggers: new Map([[key("a"), ["FROM evil"]]]) });
  refuses(lines, 2, { triggers: new Map([[key("a"), ["RUN a\nRUN b"]]]) });
  refuses(lines, 2, { triggers: new Map([[key("a"), ["COPY --from=last x /y"]]]) });
});

test("tells what is fetched and run beside images, and whether it is pinned (R20)", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const lines = [
    "FROM alpine",
    "ARG V=1",
    "ADD https://example.com/$V.tgz /x",
    `ADD --checksum=${DIGEST} https://example.com/a /x`,
    "ADD https://github.com/o/r.git /x",
    `ADD https://github.com/o/r.git#${commit} /x`,
    `ADD git@github.com:o/r.git#${commit}:dir /x`,
    `ADD --checksum=${commit} https://github.com/o/r.git#main /x`,
    `ADD https://github.com/o/r.git?ref=main&checksum=${commit.slice(0, 12)} /x`,
    "ADD github.com/o/r ./local /x",
    "ADD --checksum=$FROM_BASE https://example.com/a /x",
    `ADD --checksum=\${FROM_BASE-${DIGEST}} https://example.com/a /x`,
    "ADD $URL /x",
    "ARG LATER=$URL",
    "ADD $LATER /x",
    "RUN --network=none true",
    "RUN apk add  curl",
    "RUN --network=none --mount=type=cache,target=/c --security=insecure make",
  ];
  assert.deepEqual(
    read(lines).others.map(
      ({ kind, isPinned, line, text }) => `${line} ${kind} ${isPinned} ${text.replace(commit, "C")}`,
    ),
    [
      "3 http false https://example.com/1.tgz",
      "4 http true https://example.com/a",
      "5 git false https://github.com/o/r.git",
      "6 git true https://github.com/o/r.git#C",
      "7 git true git@github.com:o/r.git#C:dir",
      "8 git true https://github.com/o/r.git#main",
      `9 git false https://github.com/o/r.git?ref=main&checksum=${commit.slice(0, 12)}`,
      "11 http false https://example.com/a",
      "12 http false https://example.com/a",
      "13 http false $URL",
      "15 http false $LATER",
      "17 network false apk add curl",
      "18 cache false make",
      "18 privileged false make",
    ],
  );
  refuses(["FROM a", "COPY https://example.com/a /x"], 2);
  refuses(["FROM a", "ADD --chmod=10000 a /x"], 2);
});

test("says where a reference stands, also in the default of the ARG that it comes from", () => {
  const places = (text: string, request?: Partial<DockerfileRequest>) =>
    read(text, request).images.map(({ place, written }) =>
      place === undefined ? `- ${written}` : text.slice(place.start, place.end),
    );
  assert.deepEqual(
    places(
      "\uFEFF# syntax=docker/dockerfile:1 x\r\nFROM \"alpine:3\"\r\nCOPY --link --from='a:1' x /y\r\nRUN --mount=type=bind,from=b,target=/x y",
    ),
    ["docker/dockerfile:1", "alpine:3", "a:1", "b"],
  );
  assert.deepEqual(places(`ARG A=1 BASE='alpine:3'\nFROM \${BASE}\nFROM $BASE`), ["alpine:3", "alpine:3"]);
  assert.deepEqual(places(`ARG BASE=alpine:3\nFROM \${BASE}\nFROM $BASE-slim`), [`- \${BASE}`, "- $BASE-slim"]);
  assert.deepEqual(places("ARG BASE=alpine\nARG B=$BASE\nFROM $B"), ["- $B"]);
  assert.deepEqual(places("ARG BASE=alpine\nFROM $BASE", { buildArgs: { BASE: "b" } }), ["- $BASE"]);
  assert.deepEqual(places(`ARG BASE=alpine\nFROM \${BASE:-b}`), [`- \${BASE:-b}`]);
  assert.deepEqual(places("ARG BASE=alpine\nARG B=$BASE-x\nFROM $BASE"), ["- $BASE"]);
  assert.deepEqual(places('ARG A=alpine\nARG A="$X"b\nFROM $A'), ["- $A"]);
  assert.deepEqual(places("FROM alp\\\nine"), ["- alpine"]);
  const use = read("ARG BASE=alpine:3\n\nFROM $BASE").images[0];
  assert.deepEqual([use?.line, use?.written], [3, "alpine:3"]);
});

test("refuses what BuildKit refuses, with line and column", () => {
  for (const [line, lines] of [
    [1, [""]],
    [1, ["# only a comment"]],
    [1, ["RUN true", "FROM a"]],
    [1, ["ARG A=1"]],
    [1, ["FROM"]],
    [1, ["FROM a b"]],
    [1, ["FROM a AS"]],
    [1, ["FROM a AS 1x"]],
    [2, ["FROM a", "NOTHING x"]],
    [2, ["FROM a", "U\u017fER x"]],
    [2, ["FROM a", "COPY --form=b a /b"]],
    [2, ["FROM a", "COPY --from a /b"]],
    [2, ["FROM a", "COPY --from=b --from=c a /b"]],
    [2, ["FROM a", "COPY a"]],
    [2, ["FROM a", "ENV A"]],
    [2, ["FROM a", "ENV A='"]],
    [2, ["FROM a", 'RUN ["a", 1]']],
    [1, [`FROM \${A`]],
    [2, ["FROM a", "COPY --from=$A a /b"]],
    [2, ["FROM a", "RUN --network=other true"]],
  ] as const) {
    refuses(lines, line);
  }
  assert.throws(
    () => read(["FROM a", "  NOTHING"]),
    (error) => error instanceof DockerfileError && error.column === 3,
  );
});

test("bounds the file, its lines, stages, instructions and expansions", () => {
  refuses(`FROM a\n${"#\n".repeat(512 * 1024)}`, 1);
  refuses(["FROM a", `RUN ${"x".repeat(64 * 1024)}`], 2);
  refuses(`${"FROM a\n".repeat(501)}`, 501);
  refuses(`FROM a\n${"CMD x\n".repeat(10_000)}`, 10_001);
  const doubling = [
    "ARG A0=aaaaaaaa",
    ...Array.from({ length: 60 }, (_, n) => `ARG A${n + 1}=$A${n}$A${n}`),
    "FROM $A60",
  ];
  assert.throws(() => read(doubling), DockerfileError);
  assert.throws(() => read(["FROM a", ...doubling.slice(0, -1)]), DockerfileError);
  assert.throws(() => read(`FROM ${"${A:-".repeat(10_000)}${"}".repeat(10_000)}`), DockerfileError);
  assert.throws(
    () => read([`ARG V=${"a".repeat(60_000)}`, ...Array(200).fill(`ARG W=\${V//*?*?*?*b/x}`), "FROM a"]),
    DockerfileError,
  );
  const many = [
    "FROM a AS b",
    ...Array(5_000).fill("ONBUILD COPY --from=x a /b"),
    ...Array(400).fill("FROM b AS c"),
    "FROM c",
    ...Array(399)
      .keys()
      .map((n) => `COPY --from=${n + 1} a /b`),
  ];
  assert.throws(() => read(many), DockerfileError);
});

test("reads bytes that are no UTF-8 without taking them for anything else", () => {
  const bytes = new Uint8Array([
    ...new TextEncoder().encode("# "),
    0xe9,
    0x0a,
    ...new TextEncoder().encode("FROM alpine"),
  ]);
  assert.equal(readDockerfile(bytes, { platform: parsePlatform("linux/amd64") }).images[0]?.line, 2);
});
