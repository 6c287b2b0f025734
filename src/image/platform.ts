/** Where an image runs, as written; compare with {@link samePlatform}, never field by field. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Of the processor: `v7`, `v8.1`. */
  readonly variant?: string;
  /** Of Windows: `10.0.17763.1`. */
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
}

/** The text names no platform. */
export class PlatformError extends Error {
  readonly code = "malformed-platform";
  constructor(message: string) {
    super(message);
    this.name = "PlatformError";
  }
}

/** Longest text that is looked at, in UTF-16 units. */
const MAX_TEXT_LENGTH = 256;

const OS = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/;
const COMPONENT = /^[A-Za-z0-9_.-]+$/;

/**
 * Reads `os[(version+features)]/architecture[/variant]` as containerd does, and normalises it. A lone `linux` or `arm64` is
 * refused: the missing half would be that of whichever machine reads it.
 *
 * @throws {PlatformError}
 */
export function parsePlatform(text: string): Platform {
  const parts = text.length <= MAX_TEXT_LENGTH ? text.split("/") : [];
  const [first = "", architecture = "", variant] = parts;
  const os = OS.exec(first);
  const fits = os !== null && COMPONENT.test(architecture) && (variant === undefined || COMPONENT.test(variant));
  if (!fits || parts.length > 3) {
    throw new PlatformError(
      `read ${JSON.stringify(text.slice(0, 80))} as a platform: it is not os/architecture[/variant]`,
    );
  }
  const features = (os[3] ?? "").split("+").slice(1);
  return normalizePlatform({
    os: os[1] ?? "",
    architecture,
    ...(variant !== undefined && { variant }),
    ...(os[2] && { osVersion: decode(os[2], text) }),
    ...(features.length > 0 && { osFeatures: features.map((feature) => decode(feature, text)) }),
  });
}

/**
 * The form in which equal platforms have equal fields.
 *
 * @see containerd/platforms, Normalize; unlike there an empty `os` stays empty, since the reader's machine is nobody's platform.
 */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const [architecture, variant] = normalizeArchitecture(
    platform.architecture.toLowerCase(),
    (platform.variant ?? "").toLowerCase(),
  );
  const osFeatures = [...new Set(platform.osFeatures)].sort();
  return {
    os: os === "macos" ? "darwin" : os,
    architecture,
    ...(variant !== "" && { variant }),
    ...(platform.osVersion && { osVersion: platform.osVersion }),
    ...(osFeatures.length > 0 && { osFeatures }),
  };
}

/** The canonical text, `linux/arm/v7` or `windows(10.0.17763)/amd64`; {@link parsePlatform} reads it back. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant, osVersion, osFeatures } = normalizePlatform(platform);
  const options = [osVersion ?? "", ...(osFeatures ?? [])].map(encode).join("+");
  return [options === "" ? os : `${os}(${options})`, architecture, ...(variant === undefined ? [] : [variant])].join(
    "/",
  );
}

/**
 * Whether the two are one platform. Version and features of the system are compared only where both have them: a descriptor in an
 * index may leave out what the config says.
 */
export function samePlatform(a: Platform, b: Platform): boolean {
  const [left, right] = [normalizePlatform(a), normalizePlatform(b)];
  return (
    left.os === right.os &&
    left.architecture === right.architecture &&
    left.variant === right.variant &&
    (left.osVersion === undefined || right.osVersion === undefined || left.osVersion === right.osVersion) &&
    (left.osFeatures === undefined ||
      right.osFeatures === undefined ||
      JSON.stringify(left.osFeatures) === JSON.stringify(right.osFeatures))
  );
}

/** Whether it is the mark of something that doesn't run, such as BuildKit's attestation manifests. A mark anyone can set, no proof. */
export function isUnknown(platform: Platform): boolean {
  return platform.os === "unknown" && platform.architecture === "unknown";
}

/**
 * The other platforms whose image BuildKit takes where an index has none for this one, best first.
 *
 * @see containerd/platforms, Only
 */
export function platformFallbacks(platform: Platform): readonly Platform[] {
  const { architecture, variant, ...system } = normalizePlatform(platform);
  const others = (other: string, variants: readonly string[]) =>
    variants.map((each) => normalizePlatform({ ...system, architecture: other, variant: each }));
  switch (architecture) {
    case "amd64":
      return [...others("amd64", countDown("v", versionOf(variant) - 1, 1)), ...others("386", [""])];
    case "arm":
      return others("arm", countDown("v", versionOf(variant) - 1, 5));
    case "arm64":
      return [...others("arm64", olderArm64(variant ?? "v8")), ...others("arm", ["v8", "v7", "v6", "v5"])];
    default:
      return [];
  }
}

/** Armv9.x does all that Armv8.(x+5) does; `v8` is `v8.0`. */
function olderArm64(variant: string): readonly string[] {
  const [, major, minor = "0"] = /^v([89])(?:\.([0-9]))?$/.exec(variant) ?? [];
  if (major === undefined) return [];
  const v8 = countDown("v8.", major === "9" ? Number(minor) + 5 : Number(minor) - 1, 0);
  const v9 = major === "9" ? countDown("v9.", Number(minor) - 1, 0) : [];
  return [...v9, ...v8].map((each) => each.replace(/\.0$/, ""));
}

/** The single-digit version of a processor, or 0 where there is none: no list may grow with a number in a stranger's document. */
function versionOf(variant: string | undefined): number {
  return Number(/^v([0-9])$/.exec(variant ?? "")?.[1] ?? 0);
}

function countDown(prefix: string, from: number, to: number): readonly string[] {
  return Array.from({ length: Math.max(0, from - to + 1) }, (_, step) => `${prefix}${from - step}`);
}

function normalizeArchitecture(architecture: string, variant: string): [architecture: string, variant: string] {
  switch (architecture) {
    case "i386":
      return ["386", ""];
    case "x86_64":
    case "x86-64":
    case "amd64":
      return ["amd64", variant === "v1" ? "" : variant];
    case "aarch64":
    case "arm64":
      if (variant === "8" || variant === "v8") return ["arm64", ""];
      return ["arm64", variant === "9" || variant === "9.0" || variant === "v9.0" ? "v9" : variant];
    case "armhf":
      return ["arm", "v7"];
    case "armel":
      return ["arm", "v6"];
    case "arm":
      if (variant === "") return ["arm", "v7"];
      return ["arm", /^[5-8]$/.test(variant) ? `v${variant}` : variant];
    default:
      return [architecture, variant];
  }
}

function encode(option: string): string {
  return encodeURIComponent(option.toWellFormed()).replace(
    /[!~*'()]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(option: string, text: string): string {
  try {
    return decodeURIComponent(option);
  } catch {
    throw new PlatformError(`read ${JSON.stringify(text.slice(0, 80))} as a platform: a % in it starts no escape`);
  }
}
