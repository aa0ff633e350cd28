/** Finds the code blocks of a Markdown page, and lays them out as files that can be checked and run. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CodeBlock {
  /** Page and line of the block, for messages: `docs/guide.md:12`. */
  readonly place: string;
  readonly language: 'ts' | 'tsx';
  readonly code: string;
  /** The name that other blocks import it by: ` ```ts file=ops.ts `. */
  readonly file: string | undefined;
  /** Marked as a program: ` ```ts run `. */
  readonly runs: boolean;
  /** What the page shows as its output, in a `text` block right behind it. */
  readonly output: string | undefined;
}

interface Fence {
  readonly info: string;
  readonly line: number;
  readonly lastLine: number;
  readonly text: string;
}

/**
 * The `ts` and `tsx` blocks of a page. What a block needs and a reader does not, declarations for the most part,
 * stands in a comment in front of it: `<!-- with: ... -->`.
 */
export function codeBlocks(page: string, markdown: string): readonly CodeBlock[] {
  const lines = markdown.split('\n');
  const fences = findFences(lines);
  return fences.flatMap((fence, index) => {
    const [language, ...flags] = fence.info.split(' ');
    if (language !== 'ts' && language !== 'tsx') return [];
    const next = fences[index + 1];
    const isOutput =
      next?.info === 'text' &&
      lines
        .slice(fence.lastLine, next.line - 1)
        .join('')
        .trim() === '';
    return {
      place: `${page}:${String(fence.line)}`,
      language,
      code: setupBefore(lines, fence.line - 1) + fence.text,
      file: flags.find((flag) => flag.startsWith('file='))?.slice('file='.length),
      runs: flags.includes('run'),
      output: isOutput ? next.text : undefined,
    };
  });
}

function findFences(lines: readonly string[]): readonly Fence[] {
  const fences: Fence[] = [];
  let open: { info: string; line: number; text: string[] } | undefined;
  lines.forEach((line, index) => {
    if (open === undefined) {
      if (line.startsWith('```')) open = { info: line.slice(3).trim(), line: index + 1, text: [] };
    } else if (line === '```') {
      fences.push({ ...open, lastLine: index + 1, text: open.text.join('\n') });
      open = undefined;
    } else {
      open.text.push(line);
    }
  });
  return fences;
}

function setupBefore(lines: readonly string[], fenceIndex: number): string {
  const end = lines[fenceIndex - 1] === '' ? fenceIndex - 2 : fenceIndex - 1;
  if (lines[end]?.endsWith('-->') !== true) return '';
  let start = end;
  while (start > 0 && lines[start]?.startsWith('<!--') !== true) start -= 1;
  const comment = lines.slice(start, end + 1).join('\n');
  return comment.startsWith('<!-- with:') ? `${comment.slice(10, -3).trim()}\n` : '';
}

/**
 * Writes each block into a file of its own, in a new folder in `root/out` where `sluice` and its entry
 * points stand for the sources. Returns the folder and the files, in the order of the blocks.
 */
export function layOut(
  root: string,
  blocks: readonly CodeBlock[],
): { readonly folder: string; readonly tsconfig: string; readonly files: readonly string[] } {
  mkdirSync(join(root, 'out'), { recursive: true });
  const folder = mkdtempSync(join(root, 'out', 'docs-'));
  const tsconfig = join(folder, 'tsconfig.json');
  const source = (path: string): string[] => [join(root, path)];
  const settings = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      moduleDetection: 'force',
      noUnusedLocals: false,
      noUnusedParameters: false,
      paths: {
        sluice: source('src/index.ts'),
        'sluice/node': source('src/node/index.ts'),
        'sluice/inspect': source('src/inspect/server/index.ts'),
        'sluice/arrow': source('src/arrow/index.ts'),
        'sluice/workers': source('src/workers/index.ts'),
        'sluice/testing': source('src/testing.ts'),
        'sluice/machines': source('machines/index.ts'),
        'sluice/react': source('src/react/index.ts'),
        'sluice/element': source('src/element/index.ts'),
      },
    },
    include: ['*.ts', '*.tsx', join(root, 'src/inspect/inspector-page.d.ts')],
  };
  writeFileSync(tsconfig, JSON.stringify(settings));
  const files = blocks.map(({ place, language, code, file: name }) => {
    const file = join(folder, name ?? `${place.replaceAll(/[^\w]+/g, '-')}.${language}`);
    writeFileSync(file, `${code}\n`);
    return file;
  });
  return { folder, tsconfig, files };
}
