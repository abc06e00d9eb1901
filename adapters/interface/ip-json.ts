// What `ip -json` prints: a list of objects. Knows none of them; runs nothing.

/** An object of the list, of which nothing is known. */
export type IpObject = Readonly<Record<string, unknown>>;

/** The objects of the list; null when the text is something else. */
export function parseIpJson(text: string): readonly IpObject[] | null {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return null;
  }
  return Array.isArray(list) ? list.filter(isIpObject) : null;
}

/** Whether a value in the list is an object, too. */
export function isIpObject(value: unknown): value is IpObject {
  return typeof value === 'object' && value !== null;
}
