// A source file as the rules see it: its code without comments and quoted text, and what it imports. Parses no TypeScript.

/** One import of a module, however it is written. */
export interface Import {
  readonly from: string;
  /** Only types are imported, so nothing is left of it when the program runs. */
  readonly typeOnly: boolean;
  /** The names between the braces, as exported; empty for other forms. */
  readonly names: readonly string[];
  readonly line: number;
}

export interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
  /** As long as the text, with blanks where comments and quoted text stand; line ends and quotes stay. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** Reads one file. */
export function readSource(path: string, text: string): Source {
  const code = blank(text);
  return { path, text, code, imports: findImports(text, code) };
}

/** The line, from 1, of a place in a text. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** The module that an import means, from the root of the project; null for a package or a part of Node.js. */
export function resolveImport(path: string, from: string): string | null {
  if (!from.startsWith('.')) return null;
  const parts = path.split('/').slice(0, -1);
  for (const part of from.split('/')) {
    if (part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

const importForms = [
  /\b(?:import|export)\s+(type\s)?([\w\s{},*$]*?)\bfrom\s*(['"])\s*\3/g,
  /\bimport(\s+)()(['"])\s*\3/g,
  /\b(?:import|require)(\s*)()\(\s*(['"])\s*\3/g,
];

function findImports(text: string, code: string): Import[] {
  const imports: Import[] = [];
  for (const form of importForms) {
    for (const match of code.matchAll(form)) {
      const [whole, typeWord, clause = '', quote = "'"] = match;
      const end = match.index + whole.lastIndexOf(quote, whole.length);
      const start = code.lastIndexOf(quote, end - 1) + 1;
      const specifiers = specifiersOf(clause);
      imports.push({
        from: text.slice(start, end),
        typeOnly: typeWord?.startsWith('type') === true || isAllTypes(clause, specifiers),
        names: specifiers.map((name) => name.replace(/^type\s+/, '').replace(/\s+as\s.*$/, '')),
        line: lineOf(text, start),
      });
    }
  }
  return imports;
}

function specifiersOf(clause: string): string[] {
  const inside = /\{([^}]*)\}/.exec(clause)?.[1] ?? '';
  return inside
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function isAllTypes(clause: string, specifiers: readonly string[]): boolean {
  return /^\s*\{/.test(clause) && specifiers.length > 0 && specifiers.every((name) => /^type\s/.test(name));
}

/** Puts blanks for comments, for the inside of strings, templates and regular expressions. */
function blank(text: string): string {
  const out = text.split('');
  const wipe = (from: number, to: number) => {
    for (let index = from; index < to && index < out.length; index++)
      if (out[index] !== '\n') out[index] = ' ';
  };
  // How many braces are open inside each `${`, innermost last.
  const templates: number[] = [];
  let before = '';
  let at = 0;

  /** Wipes a template from `from` to its end or its next `${`. */
  function template(from: number): number {
    const end = endOfTemplate(text, from);
    wipe(from, end);
    if (text[end] === '`') return end + 1;
    templates.push(0);
    return end + 2;
  }

  while (at < text.length) {
    const char = text[at] ?? '';
    const from = at;
    if (text.startsWith('//', at)) {
      at = endOf(text, '\n', at);
      wipe(from, at);
      continue;
    }
    if (text.startsWith('/*', at)) {
      at = endOf(text, '*/', at + 2) + 2;
      wipe(from, at);
      continue;
    }
    if (char === "'" || char === '"') {
      at = endOfQuoted(text, at + 1, char);
      wipe(from + 1, at++);
    } else if (char === '`') {
      at = template(at + 1);
    } else if (char === '/' && startsExpression(before)) {
      at = endOfRegExp(text, at + 1);
      wipe(from + 1, at++);
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop();
      at = template(at + 1);
    } else {
      const open = templates.length - 1;
      if (open >= 0 && char === '{') templates[open] = (templates[open] ?? 0) + 1;
      if (open >= 0 && char === '}') templates[open] = (templates[open] ?? 0) - 1;
      at++;
    }
    if (char.trim() !== '') before = (before + char).slice(-10);
    else if (/\w$/.test(before)) before += ' ';
  }
  return out.join('');
}

/** Whether a slash behind this code begins a regular expression rather than divides. */
function startsExpression(before: string): boolean {
  return /(^|[=(,:[!&|?{};+\-*%~^<>]|\b(return|typeof|case|of|in) ?)$/.test(before.trimEnd());
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from);
  return end === -1 ? text.length : end;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote || text[at] === '\n') return at;
  }
  return text.length;
}

function endOfTemplate(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`' || text.startsWith('${', at)) return at;
  }
  return text.length;
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '\n' || (char === '/' && !inClass)) return at;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
  }
  return text.length;
}
