// A table in Markdown that also reads well in a terminal. Promise: pure; every row has as many
// cells as the head, columns are padded to their widest cell, numbers stand at the right.

/** Renders `rows` under `head`; a cell missing in a row is empty, one too many is a mistake. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  for (const row of rows) {
    if (row.length > head.length) {
      throw new Error(`Cannot render the table: a row has ${row.length} cells of ${head.length}`);
    }
  }
  const cells = [head, ...rows].map((row) => head.map((_, column) => escaped(row[column] ?? '')));
  const widths = head.map((_, column) =>
    Math.max(3, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const right = head.map(
    (_, column) =>
      rows.length > 0 && cells.slice(1).every((row) => looksLikeNumber(row[column] ?? '')),
  );
  const rule = widths.map((width, column) =>
    right[column] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  const lines = cells.map((row) =>
    row.map((cell, column) => padded(cell, widths[column] ?? 0, right[column] === true)),
  );
  const [first, ...rest] = lines;
  return [first ?? [], rule, ...rest].map((row) => `| ${row.join(' | ')} |`).join('\n') + '\n';
}

function padded(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}

/** A bar would end the cell, a line break the row. */
function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll(/\s*[\r\n]+\s*/g, ' ');
}

function looksLikeNumber(cell: string): boolean {
  return /^(|none|fails|≥? ?\d[\d.]*( \(.*\)| ms| s)?)$/.test(cell);
}
