import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { database, diagnose } from './binder.mjs';
import { run } from './command.mjs';

const tables = {
  '*': { TimeGenerated: 'datetime' },
  Events: {
    Image: 'string', CommandLine: 'string', Ip: 'string', Pid: 'long', Port: 'int', Score: 'real', Cost: 'decimal',
    Elevated: 'bool', Timestamp: 'datetime', Took: 'timespan', Id: 'guid', EventData: 'dynamic',
    AdditionalFields: 'json', RegistryKey: 'string', RegistryValueName: 'string', 'user.name': 'string',
  },
  imProcessCreate: { TargetProcessName: 'string' },
  _Im_Dns: { DnsQuery: 'string' },
  _ASim_WebSession: { Url: 'string' },
  imports: { File: 'string' }, // a table, for no capital follows
};
const db = database([tables]);
const errors = (query) => diagnose(query, db).filter((d) => d.severity === 'Error');

describe('right queries pass', () => {
  const filters = [
    String.raw`Image =~ "a.exe" and Image == @"C:\a" and Image != 'it"s' and Image !~ ""`,
    'Image in~ ("a", "b") and Image in ("a") and Image !in~ ("c") and Pid in (1, 2)',
    'CommandLine contains "x" and CommandLine contains_cs "x" and CommandLine !contains "y"',
    'CommandLine startswith "x" and CommandLine startswith_cs "x"',
    'CommandLine endswith "x" and CommandLine endswith_cs "x"',
    'CommandLine has "x" and CommandLine has_any ("x", "y") and CommandLine has_all ("x", "y")',
    String.raw`Image matches regex @"(?i)\A[0-9a-f]{16,40}\.(?:top|xyz)\z"`,
    'isempty(Image) or isnotempty(CommandLine) or isnull(Pid) or isnotnull(EventData)',
    'not(coalesce(Pid > 5, false))',
    'ipv4_is_in_range(Ip, "10.0.0.0/8")',
    'ipv4_is_in_any_range(Ip, "10.0.0.0/8", "172.16.0.0/12")',
    'coalesce(ipv6_is_in_range(Ip, "fd00::/8"), false)',
    'tolower(Image) == "a.exe" and tolower(Image) == tolower(CommandLine)',
    'tostring(EventData.CommandLine) contains "x"',
    'tostring(EventData["Command Line"]) contains "x" and isempty(EventData.a.b)',
    'tostring(parse_json(AdditionalFields).PipeName) contains "x"',
    '* contains "x" and not(* has "y")',
    'todouble(Pid) > 5 and todouble(Image) > 5 and tolong(EventData.Pid) == 5',
    'Score >= 5 and Score < 5.5 and Cost == 5 and Port != 443',
    'Elevated == true and Elevated',
    'hourofday(Timestamp) == 5 and datetime_part("minute", Timestamp) == 5',
    'dayofmonth(Timestamp) == 5 and getmonth(Timestamp) == 5 and getyear(Timestamp) == 2024',
    'tostring(Id) =~ "x" and tostring(Took) == "x"',
    '["user.name"] =~ "x"',
    'TimeGenerated > ago(1d)',
    'CommandLine contains "–hp \\u2015 \\t 😀"',
  ];
  const queries = [
    ...filters.map((f) => `Events\n| where ${f}`),
    'Events | extend TargetObject = iff(isempty(RegistryValueName), RegistryKey,' +
      String.raw` strcat(RegistryKey, @"\", RegistryValueName)) | where TargetObject endswith @"\Run"`,
    'Events | extend Fields = parse_json(AdditionalFields) | where tostring(Fields.PipeName) =~ "x"',
    'imProcessCreate | where TargetProcessName =~ "x"',
    'imProcessCreate() | where TargetProcessName =~ "x" and TimeGenerated > ago(1d)',
    '_Im_Dns | where DnsQuery =~ "x"',
    '_ASim_WebSession | where Url =~ "x"',
    'union imProcessCreate, Events | where Image =~ "x" or TargetProcessName =~ "x"',
    'imports | where File =~ "x"',
  ];
  for (const query of queries) {
    test(query, () => assert.deepEqual(diagnose(query, db), []));
  }
});

describe('wrong queries do not', () => {
  const long = (n) => Array(n).fill('Image == "x"').join(' or ');
  for (const [query, message] of [
    ['Events | where Imag =~ "x"', "The name 'Imag' does not refer to any known column, table, variable or function."],
    ['Events | where image =~ "x"', "The name 'image' does not refer to any known column, table, variable or function."],
    ['Event | where Image =~ "x"', "The name 'Event' does not refer to any known table, tabular variable or function."],
    ['imProcessCreate | where Image =~ "x"', "The name 'Image' does not refer to any known column, table, variable or function."],
    ['imports() | where File =~ "x"', "The name 'imports' does not refer to any known function."],
    ['imProcessTerminate | take 1', "The name 'imProcessTerminate' does not refer to any known table, tabular variable or function."],
    ['Image =~ "x"', "The name 'Image' does not refer to any known column, table, variable or function."],
    ['Events | where Pid =~ "4"', "The operator '=~' is not defined for the operand types long and string."],
    ['Events | where Pid contains "4"', "The operator 'contains' is not defined for the operand types long and string."],
    ['Events | where Pid in~ ("4")', 'A value of type string or dynamic expected.'],
    ['Events | where Elevated =~ "true"', "The operator '=~' is not defined for the operand types bool and string."],
    ['Events | where Id startswith "x"', "The operator 'startswith' is not defined for the operand types guid and string."],
    ['Events | where Image > 5', "The operator '>' is not defined for the operand types string and long."],
    ['Events | where hourofday(Image) == 5', 'A value of type datetime expected.'],
    ['Events | where ipv4_is_in_range(Pid, "10.0.0.0/8")', 'A value of type string expected.'],
    ['Events | where AdditionalFields.PipeName =~ "x"', "The name 'PipeName' does not refer to any known column, table, variable or function."],
    ['Events | where user.name =~ "x"', "The name 'user' does not refer to any known column, table, variable or function."],
    ['Events | where Image', 'The expression must have the type bool.'],
    ['Events | where Image =~ "x" and', 'Missing expression'],
    ['Events | where (Image =~ "x"', 'Expected: )'],
    ['Events | where * in~ ("x")', 'Missing expression'],
    ['Events | wher Image =~ "x"', 'Query operator expected.'],
    ['Events | where Image =~ "x', 'Missing: "'],
    [String.raw`Events | where Image =~ "\q"`, 'Missing: "'],
    ['Events | where Image =~ "a\nb"', 'Missing: "'],
    [`Events | where ${long(600)}`, 'Query syntax depth exceeds maximum safe limit. Semantic analysis not performed.'],
    ['', 'The query is empty.'],
    ['.show tables', 'This is no query but a Command.'],
  ]) {
    test(query.slice(0, 60), () => assert.equal(errors(query)[0]?.message, message));
  }
});

describe('the command', () => {
  const dir = mkdtempSync(join(tmpdir(), 'check-'));
  after(() => rmSync(dir, { recursive: true }));
  const write = (name, content) => {
    const file = join(dir, name);
    writeFileSync(file, content);
    return file;
  };
  const schema = write('schema.json', JSON.stringify(tables));
  const check = async (stdin, ...args) => {
    const out = { stdout: '', stderr: '' };
    const collect = (name) => ({ write: (s) => { out[name] += s.replaceAll(dir, 'DIR'); } });
    const status = await run(args, { stdin: Readable.from([stdin]), stdout: collect('stdout'), stderr: collect('stderr') });
    return { status, ...out };
  };
  const line = (path, ...queries) => JSON.stringify({ path, rule: '', title: '', target: 'kusto', ...(queries.length > 0 && { queries }) }) + '\n';
  const good = line('good.yml', 'Events | where Pid == 4', 'imProcessCreate | where TargetProcessName =~ "x"');
  const refused = line('refused.yml');

  test('passes right queries', async () => {
    assert.deepEqual(await check(good + refused + '\n', '--schema', schema), {
      status: 0, stdout: '2 queries, 0 errors, 0 warnings, 1 not converted\n', stderr: '',
    });
  });

  test('passes where nothing was converted', async () => {
    assert.deepEqual(await check(refused), { status: 0, stdout: '0 queries, 0 errors, 0 warnings, 1 not converted\n', stderr: '' });
  });

  test('reports errors with their places', async () => {
    const bad = line('bad.yml', 'Events\n| where Image == "😀" and Pid =~ "4"\n| where true');
    assert.deepEqual(await check(good + bad, '--schema', schema), {
      status: 1,
      stdout: `bad.yml: 2:30: The operator '=~' is not defined for the operand types long and string.
    | where Image == "😀" and Pid «=~» "4"
3 queries, 1 errors, 0 warnings, 0 not converted
`,
      stderr: '',
    });
  });

  test('shows a long line in part', async () => {
    const pad = 'Image == "0123456789" and ';
    const bad = line('bad.yml', `Events | where ${pad.repeat(9)}Pid =~ "4" and ${pad.repeat(9)}true`);
    assert.equal((await check(bad, '--schema', schema)).stdout.split('\n')[1],
      '    …6789" and Image == "0123456789" and Pid «=~» "4" and Image == "0123456789" and Image…');
  });

  test('counts warnings, and prints them when asked', async () => {
    const fuzzy = line('fuzzy.yml', 'union isfuzzy=true Events, Nowhere');
    const count = '1 queries, 0 errors, 1 warnings, 0 not converted\n';
    assert.deepEqual(await check(fuzzy, '--schema', schema), { status: 0, stdout: count, stderr: '' });
    assert.deepEqual(await check(fuzzy, '--schema', schema, '--warnings'), {
      status: 0,
      stdout: `fuzzy.yml: 1:28: warning: The fuzzy name 'Nowhere' does not refer to any known or currently accessible table.
    union isfuzzy=true Events, «Nowhere»
${count}`,
      stderr: '',
    });
  });

  test('reads files, and several schemas', async () => {
    const other = write('other.json', '{"Other":{"X":"int"}}');
    const file = write('other.ndjson', line('other.yml', 'Other | where X > 5'));
    assert.deepEqual(await check('', '--schema', schema, '--schema', other, write('good.ndjson', good), file), {
      status: 0, stdout: '3 queries, 0 errors, 0 warnings, 0 not converted\n', stderr: '',
    });
  });

  test('runs as a process', () => {
    const command = fileURLToPath(new URL('check.mjs', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [command], { input: good, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stdout, /^good.yml: 1:1: The name 'Events' .*\n.*\n[^]*\n2 queries, \d+ errors, 0 warnings, 0 not converted\n$/);
  });

  for (const [name, stdin, args, stderr] of [
    ['an unknown option', good, ['--what'], /^check.mjs: usage: Unknown option '--what'/],
    ['a missing schema', good, ['--schema', join(dir, 'none.json')], /^check.mjs: DIR\/none.json: ENOENT/],
    ['a schema that is no JSON', good, ['--schema', write('text.json', 'x')], /^check.mjs: DIR\/text.json: Unexpected token/],
    ['a schema that is no object', good, ['--schema', write('list.json', '[]')], /^check.mjs: DIR\/list.json: a schema is an object of tables\n$/],
    ['an unknown type', good, ['--schema', write('type.json', '{"T":{"C":"text"}}')],
      /^check.mjs: DIR\/type.json: table T, column C: unknown type "text"\n$/],
    ['a table in two schemas', good, ['--schema', schema, '--schema', schema],
      /^check.mjs: DIR\/schema.json, DIR\/schema.json: table Events is in two schemas\n$/],
    ['a missing file', '', [join(dir, 'none.ndjson')], /^check.mjs: DIR\/none.ndjson: ENOENT/],
    ['a line that is no JSON', good + 'x\n', ['--schema', schema], /^check.mjs: -:2: Unexpected token/],
    ['a line of another command', '{}\n', [], /^check.mjs: -:1: not a result of sigmac convert --json\n$/],
    ['another target', good.replace('kusto', 'splunk'), [], /^check.mjs: -:1: the target is "splunk", not "kusto"\n$/],
    ['an empty input', '\n', [], /^check.mjs: the input is empty\n$/],
  ]) {
    test(`refuses ${name}`, async () => {
      const got = await check(stdin, ...args);
      assert.equal(got.status, 2);
      assert.match(got.stderr, stderr);
    });
  }
});
