import { normalizePlatform, type Platform, parsePlatform } from "../platform.ts";

const SYSTEMS = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);
const ARCHITECTURES = new Set(
  (
    "386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ppc riscv " +
    "riscv64 s390 s390x sparc sparc64 wasm"
  ).split(" "),
);

/**
 * Reads what `FROM --platform` says, where half of it may do: `arm64` is of the builder's system, `linux` of its architecture.
 *
 * @throws {PlatformError}
 */
export function parseFromPlatform(text: string, builder: Platform): Platform {
  if (text.includes("/")) return parsePlatform(text);
  const { os, architecture, variant } = normalizePlatform({ os: text, architecture: text });
  if (SYSTEMS.has(os)) {
    const { os: _, osVersion: __, osFeatures: ___, ...half } = normalizePlatform(builder);
    return { os, ...half };
  }
  if (ARCHITECTURES.has(architecture)) {
    return normalizePlatform({ os: builder.os, architecture, ...(variant !== undefined && { variant }) });
  }
  return parsePlatform(text);
}
