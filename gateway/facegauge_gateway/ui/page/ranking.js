// The wall's order: worst first, and calm. A row moves up past another only where it is clearly worse.

const CLEARLY = 0.05;
const FAULTS_AT = 0.39;
const UNSCORED_AT = 2;
const URGENT = new Set(["freeze", "black"]);

/**
 * Returns how far up a stream belongs, the lowest first: its quality.
 *
 * One whose picture stands still or is black is at best among the poor ones, whatever the picture is worth;
 * one without a current quality comes after all others.
 */
export function rankOf(status) {
  const cause = status.main_cause;
  if (cause && URGENT.has(cause.kind)) return Math.min(status.quality ?? FAULTS_AT, FAULTS_AT);
  return status.quality ?? UNSCORED_AT;
}

/**
 * Returns keys as they stand: those that are gone leave, new ones come last.
 * @param {string[]} before
 * @param {Map<string, number>} ranks of the keys that are there, by key
 */
export function sameOrder(before, ranks) {
  const known = new Set(before);
  return [...before.filter((key) => ranks.has(key)), ...[...ranks.keys()].filter((key) => !known.has(key))];
}

/**
 * Returns keys in their new order: the old one where ranks differ by less than 0.05, so that nothing jumps.
 * @param {string[]} before keys as they stand; those that are gone leave
 * @param {Map<string, number>} ranks of the keys that are there, by key
 */
export function calmOrder(before, ranks) {
  const order = sameOrder(before, ranks);
  for (let index = 1; index < order.length; index += 1) {
    const key = order[index];
    const rank = ranks.get(key);
    let place = index;
    while (place > 0 && ranks.get(order[place - 1]) - rank > CLEARLY) {
      order[place] = order[place - 1];
      place -= 1;
    }
    order[place] = key;
  }
  return order;
}
