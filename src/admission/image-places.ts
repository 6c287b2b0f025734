import type { Pod } from "./pod-form.ts";

/** Most images that one object may name. A pod of more is refused whole: each could cost a walk. */
export const MAX_PLACES = 64;

/** A place in an object where an image is named. */
export interface ImagePlace {
  /** JSON pointer (RFC 6901) from the object's root. */
  readonly pointer: string;
  /** For people: `container web`. */
  readonly what: string;
  /** As it is written; undefined where nothing is. */
  readonly image: string | undefined;
  /** Whether the cluster refuses to change it once it is there. */
  readonly isFixed: boolean;
}

/** Every place where a pod names an image: containers of three kinds, and volumes that are images. */
export function imagePlaces(pod: Pod, place: readonly string[], owner: string): readonly ImagePlace[] {
  const isWholeFixed = owner === "batch/Job";
  const lists = [
    ["containers", "container", isWholeFixed],
    ["initContainers", "init container", isWholeFixed],
    ["ephemeralContainers", "ephemeral container", true],
  ] as const;
  const containers = lists.flatMap(([list, what, isFixed]) =>
    (pod[list] ?? []).map(
      ({ name, image }, i): ImagePlace => ({
        pointer: pointerTo([...place, list, String(i), "image"]),
        what: `${what} ${name ?? i}`,
        image: image ?? undefined,
        isFixed,
      }),
    ),
  );
  const volumes = (pod.volumes ?? []).flatMap(({ name, image }, i): readonly ImagePlace[] =>
    image === null || image === undefined
      ? []
      : [
          {
            pointer: pointerTo([...place, "volumes", String(i), "image", "reference"]),
            what: `volume ${name ?? i}`,
            image: image.reference ?? undefined,
            isFixed: isWholeFixed || owner === "/Pod",
          },
        ],
  );
  return [...containers, ...volumes];
}

function pointerTo(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
