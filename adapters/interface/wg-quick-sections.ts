// The sections of a text as wg-quick(8) and wg(8) take it apart. Knows no setting.

/** A section, from its `[Name]` to the next. */
export interface WgQuickSection {
  /** In lower case. */
  readonly name: string;
  /** The line of its name, from 1. */
  readonly line: number;
  /** In their order; a key may come more than once. */
  readonly settings: readonly WgQuickSetting[];
}

export interface WgQuickSetting {
  /** As written, in any letter case. */
  readonly key: string;
  readonly value: string;
  /** Its line, from 1. */
  readonly line: number;
}

/**
 * Whether a key may be shown. Nothing longer is the name of a setting, the longest of wg-quick(8) being far shorter: a secret
 * key on a line of its own looks like one, by the "=" at its end.
 */
export function isShowable({ key }: WgQuickSetting): boolean {
  return key.length <= 32;
}

/** Takes a text apart: `#` starts a comment, and what is neither a name nor a setting is passed over. */
export function parseSections(text: string): readonly WgQuickSection[] {
  const sections: { name: string; line: number; settings: WgQuickSetting[] }[] = [];
  for (const [index, whole] of text.split('\n').entries()) {
    const bare = (whole.split('#')[0] ?? '').trim();
    if (bare.startsWith('[')) {
      const name = bare.toLowerCase().replace(/^\[(.*)\]$/, '$1');
      sections.push({ name, line: index + 1, settings: [] });
    }
    const equals = bare.indexOf('=');
    if (equals === -1) continue;
    const [key, value] = [bare.slice(0, equals).trim(), bare.slice(equals + 1).trim()];
    sections.at(-1)?.settings.push({ key, value, line: index + 1 });
  }
  return sections;
}

/** The values of a key, given in lower case, in their order. */
export function valuesOf(settings: readonly WgQuickSetting[], key: string): readonly string[] {
  return settings.filter((setting) => setting.key.toLowerCase() === key).map(({ value }) => value);
}
