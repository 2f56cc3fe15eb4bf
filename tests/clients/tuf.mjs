// Fetches and verifies the catalog of a gallery with tuf-js, as published: `node tuf.mjs URL ROOT FOLDER`.
// Prints the SHA-256 of the catalog. The folder keeps what tuf-js keeps; the root starts it.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Updater } from 'tuf-js';

const [address, root, folder] = process.argv.slice(2);
const targets = join(folder, 'targets');
mkdirSync(targets, { recursive: true });
if (!existsSync(join(folder, 'root.json'))) copyFileSync(root, join(folder, 'root.json'));
try {
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: `${address}metadata`,
    targetDir: targets,
    targetBaseUrl: address,
    config: { fetchTimeout: 20_000, fetchRetry: 0 },
  });
  await updater.refresh();
  const target = await updater.getTargetInfo('v1/catalog.json');
  if (!target) throw new Error('found no catalog');
  const path = await updater.downloadTarget(target, join(targets, 'catalog.json'));
  console.log(createHash('sha256').update(readFileSync(path)).digest('hex'));
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 3;
}
