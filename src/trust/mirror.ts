import { z } from "zod";
import { type ImageReference, imageName, parseReference } from "../image/reference.ts";
import { glob } from "./builder-schema.ts";
import { compileGlob, substitute } from "./glob.ts";
import type { Mirror, Policy } from "./policy.ts";

/** An entry of `trust.mirrors`. */
export const mirrorEntry = z
  .strictObject({
    images: glob.refine((text) => /^[^/*{}]+\/./.test(text), { error: "HOST/…, with the host spelled out" }),
    of: z.string().superRefine((text, context) => {
      try {
        compileGlob(text);
        const name = text.replace(/\{[a-z]+\}/g, "x");
        const canonical = imageName(parseReference(name));
        if (canonical !== name || text.includes("*"))
          context.addIssue({ code: "custom", message: `the whole name without tag and digest: ${canonical}` });
      } catch (error) {
        context.addIssue({ code: "custom", message: (error as Error).message });
      }
    }),
  })
  .superRefine(({ images, of }, context) => {
    try {
      const given = compileGlob(images).captures;
      const missing = compileGlob(of).captures.filter((name) => !given.includes(name));
      if (missing.length > 0)
        context.addIssue({ code: "custom", path: ["of"], message: `{${missing.join("}, {")}} isn't in images` });
    } catch {
      // Told at its own place.
    }
  });

/** A mirror as a policy's entry describes it. */
export function mirrorOf({ images, of }: z.output<typeof mirrorEntry>, path: string): Mirror {
  return { path, images: compileGlob(images), of };
}

/**
 * The name by which policy judges an image: that of what it is a mirror of, or its own. Bytes and signatures are read where the image
 * is, under their digests: whoever runs a mirror can keep things back, and make up nothing.
 */
export function judgedName({ mirrors }: Pick<Policy, "mirrors">, image: ImageReference): string {
  const name = imageName(image);
  for (const { images, of } of mirrors) {
    const captures = images.match(name);
    if (captures !== undefined) return substitute(of, captures).pattern;
  }
  return name;
}
