// Every package of the lock file must have a licence that the Open Source Initiative approves.
// The exceptions are named here, each with its reason.
import { existsSync, readFileSync } from 'node:fs';

const approved = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Python-2.0',
  'MPL-2.0',
  'PostgreSQL',
  'Unlicense',
  'Zlib',
  'Artistic-2.0',
  'OFL-1.1',
]);

const exceptions = {
  nub: 'MIT/X11, the MIT licence by its older name; read by currency-codes',
  'caniuse-lite': 'CC-BY-4.0: browser data that a development tool of jest reads; nothing of it ships',
};

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
const root = new URL('../../', import.meta.url);
const faults = [];
let checked = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === '' || entry.link) continue;
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  checked += 1;
  if (name in exceptions) continue;
  const licence = entry.license ?? licenceOfFolder(new URL(`${path}/`, root));
  if (!isApproved(licence)) faults.push(`${name}@${entry.version}: ${licence ?? 'no licence field'}`);
}
if (faults.length > 0) {
  console.error(
    `Licences that are not approved (name an exception with its reason in tools/check/licences.mjs, or choose another package):\n  ${faults.join('\n  ')}`,
  );
  process.exit(1);
}
console.log(`licences: ${checked} packages, all approved but for ${Object.keys(exceptions).length} named exceptions`);

/** `MIT OR Apache-2.0` needs one approved, `MIT AND Zlib` needs all. */
function isApproved(expression) {
  if (typeof expression !== 'string') return false;
  const plain = expression.replace(/[()]/g, '');
  if (plain.includes(' AND ')) return plain.split(' AND ').every(isApproved);
  if (/ OR /i.test(plain)) return plain.split(/ OR /i).some(isApproved);
  return approved.has(plain.trim());
}

/** Some packages leave the field out of their manifest but carry the text. */
function licenceOfFolder(folder) {
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license']) {
    const path = new URL(file, folder);
    if (!existsSync(path)) continue;
    const text = readFileSync(path, 'utf8');
    if (/Permission is hereby granted, free of charge/.test(text)) return 'MIT';
    if (/Apache License/.test(text)) return 'Apache-2.0';
    if (/Redistribution and use in source and binary forms/.test(text)) return 'BSD-3-Clause';
  }
  return undefined;
}
