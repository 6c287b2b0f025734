import { z } from "zod";
import type { Digest } from "./digest.ts";
import { algorithmOf, digestOf, isDigest } from "./digest.ts";
import type { Platform } from "./platform.ts";

/**
 * What one document says of another: that it has this digest. The digest alone is binding; media type, size and annotations are
 * the word of whoever wrote the document that the descriptor stands in.
 *
 * @see OCI image-spec, descriptor.md
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  /** Free text on both sides. Ask with `Object.hasOwn` where the key isn't ours. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly urls?: readonly string[];
  /** The content itself in base64; its digest and size have been compared. */
  readonly data?: string;
}

/** A digest of an algorithm that we compute (RULES R13); registered or not, another one leaves us nothing to compare. */
export const digestSchema: z.ZodType<Digest> = z.custom<Digest>(
  (value) => typeof value === "string" && isDigest(value),
  "not a sha256, sha384 or sha512 digest in lower case",
);

/** RFC 6838 §4.2, as image-spec has it. */
export const mediaTypeSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/, "not a media type");

/** Null and absent are one to Go, and so to us. */
export const annotationsSchema = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});

/** `""` is how Go reads an absent string. */
export const artifactTypeSchema = z.union([mediaTypeSchema, z.literal("")]).nullish();

/** One part of a platform. What stands there ends up in texts with slashes, and in reports. */
export const platformPartSchema = z.string().regex(/^[A-Za-z0-9_.-]{0,64}$/, "not the name of a system or processor");

const platformSchema = z
  .looseObject({
    os: platformPartSchema,
    architecture: platformPartSchema,
    variant: platformPartSchema.nullish(),
    "os.version": z.string().max(128).nullish(),
    "os.features": z.array(z.string().max(128)).max(64).nullish(),
  })
  .transform(platformOf);

/** A platform as manifests and configs spell it. */
export interface WrittenPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | null | undefined;
  readonly "os.version"?: string | null | undefined;
  readonly "os.features"?: readonly string[] | null | undefined;
}

/** The platform in our spelling, without the fields that are empty. */
export function platformOf(written: WrittenPlatform): Platform {
  const { os, architecture, variant, "os.version": osVersion, "os.features": osFeatures } = written;
  return {
    os,
    architecture,
    ...(variant && { variant }),
    ...(osVersion && { osVersion }),
    ...(osFeatures && osFeatures.length > 0 && { osFeatures }),
  };
}

/** Unknown fields are ignored, as image-spec asks. */
export const descriptorSchema = z
  .looseObject({
    mediaType: mediaTypeSchema,
    digest: digestSchema,
    // z.int() stops at 2^53 - 1: beyond it JavaScript and Go read different sizes.
    size: z.int().nonnegative(),
    artifactType: artifactTypeSchema,
    annotations: annotationsSchema,
    platform: platformSchema.nullish(),
    urls: z.array(z.string().refine((url) => URL.canParse(url), "not a URL")).nullish(),
    data: z.string().nullish(),
  })
  .refine(({ data, digest, size }) => !data || holds(data, digest, size), {
    path: ["data"],
    message: "not the base64 of the content that digest and size tell",
  })
  .transform(
    ({ mediaType, digest, size, artifactType, annotations, platform, urls, data }): Descriptor => ({
      mediaType,
      digest,
      size,
      annotations,
      ...(artifactType && { artifactType }),
      // Some tools write empty strings where they mean none; and where half is empty, containerd puts in that of its own machine:
      // such an entry could run anywhere, and is no platform of its own.
      ...(platform && platform.os !== "" && platform.architecture !== "" && { platform }),
      ...(urls && { urls }),
      ...(data && { data }),
    }),
  );

/** Readers that take the content from `data` must see what those see that fetch it by digest (RULES R23). */
function holds(data: string, digest: Digest, size: number): boolean {
  const content = Buffer.from(data, "base64");
  if (content.toString("base64") !== data || content.length !== size) return false;
  return digestOf(content, algorithmOf(digest)) === digest;
}
