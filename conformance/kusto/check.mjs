#!/usr/bin/env node
// Checks the queries that `sigmac convert -t kusto --json` prints with
// Microsoft's own parser and binder.
import { run } from './command.mjs';

process.exitCode = await run(process.argv.slice(2), process);
