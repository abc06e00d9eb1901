// Numbers in sentences for people. Knows no other language, and no irregular plural.
/** A number and what it counts, for people: `1 peer`, `2 peers`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
