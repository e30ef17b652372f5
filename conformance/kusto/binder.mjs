// Microsoft's parser and binder of KQL. The package defines the globals Bridge,
// System and Kusto, in this order, and exports nothing. It is compiled from C#:
// $ctor4 and the like are the overloads of a constructor, as its .d.ts names them.
import '@kusto/language-service-next/bridge.min.js';
import '@kusto/language-service-next/Kusto.Language.Bridge.min.js';

const { Bridge, Kusto } = globalThis;
const { GlobalState, KustoCode, Symbols } = Kusto.Language;

const types = new Map([
  ['bool', 'Bool'], ['int', 'Int'], ['long', 'Long'], ['real', 'Real'], ['decimal', 'Decimal'],
  ['string', 'String'], ['datetime', 'DateTime'], ['timespan', 'TimeSpan'], ['guid', 'Guid'],
  ['dynamic', 'Dynamic'],
  ['json', 'String'], // a string column that holds JSON
].map(([name, symbol]) => [name, Symbols.ScalarTypes[symbol]]));

// The columns of the table of this name belong to every table.
const everywhere = '*';

// The parsers of ASIM are functions in Sentinel. All their parameters have a
// default, and such a function can be called by its name alone.
const isFunction = (name) => /^(im[A-Z]|_Im_|_ASim_)/.test(name);

export class SchemaError extends Error {}

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);

function symbols(schema) {
  if (!isObject(schema)) throw new SchemaError('a schema is an object of tables');
  for (const [table, columns] of Object.entries(schema)) {
    if (!isObject(columns)) throw new SchemaError(`table ${table}: not an object of columns`);
    for (const [column, type] of Object.entries(columns)) {
      if (!types.has(type)) throw new SchemaError(`table ${table}, column ${column}: unknown type ${JSON.stringify(type)}`);
    }
  }
  return Object.entries(schema).filter(([name]) => name !== everywhere).map(([name, own]) => {
    const columns = Object.entries({ ...schema[everywhere], ...own })
      .map(([column, type]) => new Symbols.ColumnSymbol(column, types.get(type)));
    const table = new Symbols.TableSymbol.$ctor4(name, columns);
    return isFunction(name) ? new Symbols.FunctionSymbol.$ctor5(name, table, []) : table;
  });
}

/** A database with the tables of schemas ({table: {column: type}}), to bind queries in. */
export function database(schemas) {
  const members = schemas.flatMap(symbols);
  const names = members.map((m) => m.Name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new SchemaError(`table ${twice} is in two schemas`);
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor('db', members));
}

/**
 * What the parser and binder say about a query, in the order of the text:
 * {severity, code, message, start, length}, offsets in UTF-16 units.
 */
export function diagnose(query, db) {
  const failure = (message) => [{ severity: 'Error', code: '', message, start: 0, length: 0 }];
  if (query.trim() === '') return failure('The query is empty.');
  let code;
  try {
    code = KustoCode.ParseAndAnalyze(query, db);
    // Other kinds (a command, a directive) are hardly looked at.
    if (code.Kind !== 'Query') return failure(`This is no query but a ${code.Kind}.`);
    return Bridge.toArray(code.GetDiagnostics())
      .map((d) => ({ severity: d.Severity, code: d.Code, message: d.Message, start: Math.max(d.Start, 0), length: d.Length }))
      .sort((a, b) => a.start - b.start);
  } catch (e) {
    return failure(`The binder failed: ${e.message}`);
  }
}
