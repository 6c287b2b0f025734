/** The longest word that is compared, in characters: the work is the product of both lengths. */
const MAX_WORD = 40;

/** The one that was likely meant: at most two letters away, and fewer than half of them; undefined if none is. */
export function nearestOf(word: string, known: readonly string[]): string | undefined {
  if (word.length > MAX_WORD) return undefined;
  const most = Math.min(2, Math.floor((word.length - 1) / 2));
  const distances = known.map((each) => ({ each, distance: distanceOf(word.toLowerCase(), each.toLowerCase()) }));
  const [nearest] = distances.filter(({ distance }) => distance <= most).sort((a, b) => a.distance - b.distance);
  return nearest?.each;
}

/** How many letters have to be put in, taken out, exchanged, or changed with their neighbour. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let k = 1; k <= b.length; k++) {
      const isSame = a[i - 1] === b[k - 1];
      const isSwapped = a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1];
      row[k] = Math.min(
        (last[k] ?? 0) + 1,
        (row[k - 1] ?? 0) + 1,
        (last[k - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (before[k - 2] ?? Infinity) + 1 : Infinity,
      );
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
