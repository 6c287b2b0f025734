import { makeBadge } from "badge-maker";
import type { Outcome } from "../trust/verdict.ts";
import { printable } from "./printable.ts";

/** How badges look; the names are those of shields.io. */
export const BADGE_STYLES = ["flat", "flat-square", "plastic", "for-the-badge", "social"] as const;

/** One of {@link BADGE_STYLES}. */
export type BadgeStyle = (typeof BADGE_STYLES)[number];

/** Longest label, in characters. */
export const MAX_LABEL = 64;

/** The word and the shape differ, not the colour alone; white on each of these has a contrast of at least 4.5 to 1. */
const FACES: Readonly<Record<Outcome | "unknown", { readonly message: string; readonly color: string }>> = {
  trusted: { message: "✔ trusted", color: "#17694a" },
  untrusted: { message: "✖ untrusted", color: "#a3262f" },
  undetermined: { message: "? undetermined", color: "#7d5200" },
  unknown: { message: "– unknown", color: "#5a6475" },
};

/**
 * A badge as SVG, without links, script, or anything from elsewhere.
 *
 * @param says - `unknown` for what nothing is known of, and for what may not be seen.
 * @param label - Of whoever embeds it; escaped, and not able to turn around what stands beside it.
 */
export function badge(says: Outcome | "unknown", style: BadgeStyle, label: string): string {
  return makeBadge({ label: printable(label), ...FACES[says], labelColor: "#3a4353", style });
}
