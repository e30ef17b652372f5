// What check.mjs does.
import { createReadStream, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { database, diagnose } from './binder.mjs';

const usage = `usage: node check.mjs [--schema FILE]... [--warnings] [FILE]...

Reads the NDJSON of \`sigmac convert -t kusto --json\` from FILEs or standard
input and reports every error in the queries.

  --schema FILE  tables to bind in, {"Table":{"Column":"type"}}; may stand several times
  --warnings     print warnings too

Exit status: 0 no errors, 1 errors, 2 wrong usage or input.
`;

/** Wrong usage or input, not a wrong query. */
class InputError extends Error {}

/** What f returns; what it throws becomes an InputError with its place. */
async function input(place, f) {
  try {
    return await f();
  } catch (e) {
    throw new InputError(`${place}: ${e.message}`);
  }
}

/** The result of a conversion, {path, queries}, that a line of input holds. */
function parse(line) {
  const result = JSON.parse(line);
  if (typeof result?.path !== 'string') throw new Error('not a result of sigmac convert --json');
  if (result.target !== 'kusto') throw new Error(`the target is ${JSON.stringify(result.target)}, not "kusto"`);
  const { path, queries = [] } = result;
  if (!Array.isArray(queries) || queries.some((q) => typeof q !== 'string')) throw new Error('queries is no list of texts');
  return { path, queries };
}

/** The results that a stream holds. */
async function* results(stream, file) {
  const source = await input(file, () => text(stream));
  for (const [i, line] of source.split('\n').entries()) {
    if (line.trim() !== '') yield input(`${file}:${i + 1}`, () => parse(line));
  }
}

/** The place of a diagnostic, line:column from 1 on in characters. */
function place(query, { start }) {
  const before = query.slice(0, start).split('\n');
  return `${before.length}:${[...before.at(-1)].length + 1}`;
}

/** The line that a diagnostic is about, or what is near in it; its piece in «». */
function excerpt(query, { start, length }) {
  const near = 40;
  const [piece] = query.slice(start, start + length).split('\n');
  const before = [...query.slice(0, start).split('\n').at(-1)];
  const after = [...query.slice(start + piece.length).split('\n')[0]];
  return (before.length > near ? '…' : '') + before.slice(-near).join('') +
    `«${piece}»` + after.slice(0, near).join('') + (after.length > near ? '…' : '');
}

/** Checks, and returns how many errors there were. */
async function check(args, { stdin, stdout }) {
  const { values: options, positionals: files } = await input('usage', () => parseArgs({
    args,
    allowPositionals: true,
    options: {
      schema: { type: 'string', multiple: true, default: [] },
      warnings: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  }));
  if (options.help) {
    stdout.write(usage);
    return 0;
  }
  const schemas = [];
  for (const file of options.schema) {
    schemas.push(await input(file, () => JSON.parse(readFileSync(file, 'utf8'))));
  }
  const db = await input(options.schema.join(', '), () => database(schemas));

  let queries = 0;
  let notConverted = 0;
  const found = { Error: 0, Warning: 0 };
  for (const file of files.length > 0 ? files : ['-']) {
    for await (const result of results(file === '-' ? stdin : createReadStream(file), file)) {
      if (result.queries.length === 0) notConverted++;
      for (const query of result.queries) {
        queries++;
        for (const d of diagnose(query, db)) {
          if (!(d.severity in found)) continue; // a suggestion
          found[d.severity]++;
          if (d.severity === 'Warning' && !options.warnings) continue;
          const label = d.severity === 'Warning' ? 'warning: ' : '';
          stdout.write(`${result.path}: ${place(query, d)}: ${label}${d.message}\n    ${excerpt(query, d)}\n`);
        }
      }
    }
  }
  stdout.write(`${queries} queries, ${found.Error} errors, ${found.Warning} warnings, ${notConverted} not converted\n`);
  // Rather than to pass what a command that failed did not write.
  if (queries + notConverted === 0) throw new InputError('the input is empty');
  return found.Error;
}

/** Runs the command; returns its exit status. io has stdin, stdout and stderr. */
export async function run(args, io) {
  try {
    return await check(args, io) > 0 ? 1 : 0;
  } catch (e) {
    if (!(e instanceof InputError)) throw e;
    io.stderr.write(`check.mjs: ${e.message}\n`);
    return 2;
  }
}
