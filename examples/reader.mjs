// A whole reader of a signed gallery without dependencies: Node 20 or later, and browsers (WebCrypto with Ed25519).
// It follows docs/verify.md step by step; verify.mjs beside it has what lies below. Take both, or translate them.
//
//   node reader.mjs URL --root root.json --state DIR [--type llm] [--model publisher/name]
//
// Exit codes: 0 verified, 2 wrong use, 3 refused; then standard error says which step failed, with found and expected.
// Left out: mirrors, a grace after expiry (this is `strict`), pulling model files, several processes with one folder.

import {
  authority, current, demand, fetchBytes, fetchNamed, hasBytes, isCount, isObject, jcs, merge, own, parse, pin,
  Refused, sha256, text, utf8, verified,
} from './verify.mjs';

export { Refused };

const CATALOG = 'v1/catalog.json';
const SCHEMA = [1, 0]; // what this reader knows; a later minor only adds
const LIMITS = {
  discovery: 16_384, root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000, catalog: 5_000_000,
};
const DOCUMENT = 64_000_000; // a signature does not make a document affordable
const ROOTS = 256;
const FOLDER = /^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*$/;
const DAY = 86_400_000;

export class Reader {
  // root: bytes of a root.json that came with the program, never from the gallery's own address.
  // storage: { get(name), put(name, bytes) }, see `memory`, `browser` and `folder` below.
  constructor(url, { root, storage = memory(), now = new Date(), audience = 'public', told = () => {} }) {
    this.base = new URL(url.endsWith('/') ? url : `${url}/`);
    demand(/^https?:$/.test(this.base.protocol), 'discovery', 'format', this.base.protocol, 'http or https');
    Object.assign(this, { pinned: root, storage, now, audience, told });
  }

  // Verify the gallery's present state and store it: `catalog`, `revoked`, and `trail`, what was verified by whom until
  // when. Throws Refused, and then what was stored before stays.
  async sync() {
    const before = await this.#stored();
    const { metadata, targets } = await this.#discover();
    const at = (name) => this.#address(metadata + name);
    const root = await this.#root(before, at);

    const timestamp = await this.#timestamp(root, before, at);
    const snapshot = await this.#snapshot(root, timestamp, before, at);
    const top = await this.#announced('targets', snapshot, authority(root, 'targets'), before.targets, at);
    const roles = [top.delegations?.roles ?? []].flat().filter((role) => role?.name === 'catalog');
    const delegated = roles.length === 1 && roles[0].paths?.includes(CATALOG);
    demand(delegated, 'targets', 'format', 'no such delegation', `one role \`catalog\` for ${CATALOG}`);
    const by = { keys: top.delegations.keys, role: roles[0] };
    const role = await this.#announced('catalog', snapshot, by, before.role, at);

    const named = pin(own(role.targets, CATALOG));
    const address = this.#address(`${targets}v1/${named.sha256}.catalog.json`);
    const kept = before.catalog ? utf8(before.catalog) : new Uint8Array();
    const bytes = (await hasBytes(kept, named)) ? kept : await fetchNamed('catalog', address, named, LIMITS.catalog);
    this.older = before.catalog ? parse('catalog', kept) : null;
    this.catalog = this.#judge(parse('catalog', bytes), this.vouched ? this.older : null);

    // Revocations first: they count even where nothing else can be read.
    const revoked = await this.#document(`v1/revoked/`, this.catalog.revoked);
    this.revoked = parse('document', revoked).revoked ?? [];
    const state = { root, timestamp, snapshot, targets: top, role, catalog: { bytes }, revoked: { bytes: revoked } };
    await this.#store(Object.fromEntries(Object.entries(state).map(([name, value]) => [name, text(value.bytes)])));
    const trail = Object.entries({ root, timestamp, snapshot, targets: top, catalog: role });
    this.trail = trail.map(([name, { version, expires }]) => ({ name, version, expires }));
    return this.catalog;
  }

  // Every listed model of a type, by id. Models that ask for what this reader does not know are left out, and told.
  async models(type) {
    const named = own(this.catalog.types, type);
    demand(named, 'document', 'missing', `types ${Object.keys(this.catalog.types).join(', ')}`, type);
    const bytes = (await this.#changed(type, named)) ?? (await this.#document(`v1/types/${type}/`, named));
    const document = this.#schema('document', parse('document', bytes));
    const found = Object.entries(document.models ?? {}).filter(([, model]) => isObject(model));
    const later = (model) => [model, ...Object.values(model.releases ?? {})].some((one) => one?.requires);
    const usable = found.filter(([, model]) => !later(model));
    if (usable.length < found.length) this.told(`left out: ${found.length - usable.length} models for later readers`);
    return Object.fromEntries(usable);
  }

  // One model with all its releases, also one that is in no list.
  async model(id) {
    const directory = parse('document', await this.#document('v1/directory/', this.catalog.directory));
    const name = own(directory.aliases, id) ?? id;
    const gone = own(directory.removed, name);
    demand(!gone, 'document', 'removed', `${name} gone since ${gone?.since}`, gone?.successor ?? 'another model');
    const named = own(directory.models, name);
    demand(named, 'document', 'missing', `no model ${id}`, 'an id of the directory');
    return this.#schema('document', parse('document', await this.#document(`v1/models/${name}/`, named)));
  }

  // Releases of a model that must be refused, also where they are here already.
  refused(id) {
    return this.revoked.filter((one) => one.id === id).flatMap((one) => one.releases ?? []);
  }

  // The state of a listed model today: who reads decides on its expiry, for it comes between two publications.
  status(id, model) {
    if (this.refused(id).includes(model.latest)) return 'revoked';
    return model.expires <= this.now.toISOString().slice(0, 10) ? 'expired' : model.status;
  }

  // Addresses come from a document that nobody signed: none leads away from the gallery.
  #address(path) {
    return new URL(path, this.base).href;
  }

  async #discover() {
    const url = this.#address('.well-known/gallery.json');
    const bytes = await fetchBytes('discovery', url, LIMITS.discovery, { absent: true });
    const found = bytes ? parse('discovery', bytes) : {};
    demand((found.gallery ?? 1) === 1, 'discovery', 'schema', `version ${found.gallery}`, '1');
    const { metadata = 'metadata/', targets = '' } = found;
    for (const one of [metadata, targets]) {
      demand(FOLDER.test(one), 'discovery', 'format', one, 'a folder of the gallery');
    }
    return { metadata, targets };
  }

  async #root(before, at) {
    const first = before.root ? utf8(before.root) : this.pinned;
    let signed = parse('root', first);
    signed = { ...(await verified('root', first, 'root', authority(signed.signed ?? {}, 'root'))), bytes: first };
    for (let step = 0; step < ROOTS; step += 1) {
      const url = at(`${signed.version + 1}.root.json`);
      const bytes = await fetchBytes('root', url, LIMITS.root, { absent: true, fresh: true });
      if (bytes === null) break;
      const next = parse('root', bytes).signed ?? {};
      // The old keys say that the new ones may speak; the new ones that they can.
      const checked = await verified('root', bytes, 'root', authority(signed, 'root'), authority(next, 'root'));
      demand(checked.version === signed.version + 1, 'root', 'version', checked.version, signed.version + 1);
      signed = { ...checked, bytes };
      await this.#store({ ...before, root: text(bytes) }); // it counts whatever fails after it
    }
    current('root', signed, this.now);
    return signed;
  }

  async #timestamp(root, before, at) {
    const by = authority(root, 'timestamp');
    const bytes = await fetchBytes('timestamp', at('timestamp.json'), LIMITS.timestamp, { fresh: true });
    let found = { ...(await verified('timestamp', bytes, 'timestamp', by)), bytes };
    // What another key signed, before a new root took it away, is forgotten: a thief may have pushed it far ahead.
    const last = await this.#still('timestamp', before.timestamp, by);
    this.vouched = last !== null;
    const announced = (signed) => own(signed.meta, 'snapshot.json')?.version;
    demand(isCount(announced(found)), 'timestamp', 'format', 'no version of the snapshot', 'a number');
    if (last) {
      demand(found.version >= last.version, 'timestamp', 'version', found.version, `at least ${last.version}`);
      const [is, was] = [announced(found), announced(last)];
      demand(is >= was, 'timestamp', 'version', `snapshot ${is} announced`, `at least ${was}`);
      if (found.version === last.version) found = { ...last, bytes: utf8(before.timestamp) };
    }
    current('timestamp', found, this.now);
    return found;
  }

  async #snapshot(root, timestamp, before, at) {
    const by = authority(root, 'snapshot');
    const found = await this.#announced('snapshot', timestamp, by, before.snapshot, at);
    const last = await this.#still('snapshot', before.snapshot, by);
    for (const [name, { version }] of Object.entries(last?.meta ?? {})) {
      const is = own(found.meta, name)?.version ?? 0;
      demand(is >= version, 'snapshot', 'version', `${name} at ${is}`, `at least ${version}`);
    }
    return found;
  }

  // Metadata that other metadata announces: length and hash, then signature, type, version, expiry.
  async #announced(name, announcing, by, kept, at) {
    const entry = own(announcing.meta, `${name}.json`);
    demand(isObject(entry), name, 'missing', `no ${name}.json announced`, 'it');
    let bytes = kept ? utf8(kept) : new Uint8Array();
    if (!(await hasBytes(bytes, pin(entry)))) {
      bytes = await fetchNamed(name, at(`${entry.version}.${name}.json`), pin(entry), LIMITS[name]);
    }
    const signed = await verified(name, bytes, name === 'catalog' ? 'targets' : name, by);
    demand(signed.version === entry.version, name, 'version', signed.version, entry.version);
    current(name, signed, this.now);
    return { ...signed, bytes };
  }

  async #still(step, kept, by) {
    if (!kept) return null;
    try {
      return await verified(step, utf8(kept), step, by);
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
  }

  #schema(step, document, field = 'schema') {
    const [major, minor] = String(document[field]).split('.').map(Number);
    const known = major === SCHEMA[0] && (field === 'schema' || minor <= SCHEMA[1]);
    demand(known, step, 'schema', `${field} ${document[field]}`, `${SCHEMA[0]}.x; update this reader`);
    return document;
  }

  #judge(catalog, was = null) {
    this.#schema('catalog', catalog);
    this.#schema('catalog', { reader: '1.0', ...catalog }, 'reader');
    demand(catalog.audience === this.audience, 'catalog', 'audience', catalog.audience, this.audience);
    const early = Date.parse(catalog.built) - this.now > DAY;
    demand(!early, 'catalog', 'clock', `built ${catalog.built}`, 'no later than now: is the clock right?');
    const { epoch, serial } = catalog;
    demand(isCount(epoch) && isCount(serial), 'catalog', 'format', 'no epoch and serial', 'both');
    // Only a higher epoch, said on purpose, takes the serial back.
    const older = was && (epoch < was.epoch || (epoch === was.epoch && serial < was.serial));
    demand(!older, 'catalog', 'serial', `${epoch}/${serial}`, `at least ${was?.epoch}/${was?.serial}`);
    return catalog;
  }

  // A document by its hash: from storage while it is whole there, else from the gallery.
  async #document(folder, named) {
    const kept = await this.storage.get(`${named.sha256}.json`);
    if (kept && (await hasBytes(kept, named))) return kept;
    const bytes = await fetchNamed('document', this.#address(`${folder}${named.sha256}.json`), named, DOCUMENT);
    await this.storage.put(`${named.sha256}.json`, bytes);
    return bytes;
  }

  // The document made from the one at hand and a delta. A delta saves traffic and proves nothing: whatever is wrong
  // with it, the answer is null and the whole document is fetched.
  async #changed(type, named) {
    try {
      const last = own(this.older?.types, type);
      const offered = (named.deltas ?? []).find((delta) => delta.from === last?.since);
      const base = offered && last.sha256 !== named.sha256 ? await this.storage.get(`${last.sha256}.json`) : null;
      if (!base || !(await hasBytes(base, last))) return null;
      const delta = parse('document', await this.#document(`v1/delta/${type}/`, offered));
      if (delta.from?.sha256 !== last.sha256 || delta.to?.sha256 !== named.sha256) return null;
      const made = utf8(jcs(merge(parse('document', base), delta.patch)));
      if (!(await hasBytes(made, named))) return null;
      await this.storage.put(`${named.sha256}.json`, made);
      return made;
    } catch {
      return null;
    }
  }

  async #stored() {
    const bytes = await this.storage.get('state.json');
    if (!bytes) return {};
    try {
      const state = parse('state', bytes);
      if (state.pinned === (await sha256(this.pinned))) return state;
      this.told('the stored state is of another root: starting anew');
    } catch {
      this.told('the stored state is damaged: starting anew');
    }
    return {};
  }

  // One file holds all that must agree, and it is replaced whole: a crash leaves the state before or after.
  async #store(state) {
    const whole = { ...state, pinned: await sha256(this.pinned) };
    await this.storage.put('state.json', utf8(JSON.stringify(whole)));
  }
}

// --- storage: `state.json` must be kept; the other names are hashes of their bytes and may vanish at any time

export function memory() {
  const kept = new Map();
  return { get: async (name) => kept.get(name) ?? null, put: async (name, bytes) => void kept.set(name, bytes) };
}

// The state in localStorage, documents in memory alone: their names never change, so the browser's own cache has them.
export function browser(prefix) {
  const documents = memory();
  const mine = (name) => name === 'state.json';
  return {
    get: async (name) => (mine(name) ? utf8(localStorage.getItem(prefix + name) ?? '') : documents.get(name)),
    async put(name, bytes) {
      if (mine(name)) localStorage.setItem(prefix + name, text(bytes));
      else await documents.put(name, bytes);
    },
  };
}

export async function folder(path) {
  const [fs, { join }] = await Promise.all([import('node:fs/promises'), import('node:path')]);
  await fs.mkdir(path, { recursive: true });
  return {
    get: async (name) => fs.readFile(join(path, name)).catch(() => null),
    async put(name, bytes) {
      const draft = join(path, `.${name}.${process.pid}`);
      await fs.writeFile(draft, bytes, { flush: true });
      await fs.rename(draft, join(path, name));
    },
  };
}

// --- command line

const plain = (value) => String(value ?? '').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' '); // for terminals
export const inEnglish = (value) => (isObject(value) ? value.en ?? Object.values(value)[0] : value);

async function main(args) {
  const { parseArgs } = await import('node:util');
  const { readFile } = await import('node:fs/promises');
  let options;
  try {
    const wanted = ['root', 'state', 'type', 'model', 'audience', 'now'].map((name) => [name, { type: 'string' }]);
    options = parseArgs({ args, allowPositionals: true, options: Object.fromEntries(wanted) });
    const { values: { root, state }, positionals } = options;
    if (positionals.length !== 1 || !root || !state) throw new Error('missing arguments');
  } catch (error) {
    console.error(`${error.message}\nusage: reader.mjs URL --root root.json --state DIR`);
    console.error('       [--type TYPE] [--model ID] [--audience NAME] [--now TIME]');
    return 2;
  }
  const { values: { root, state, type, model, audience, now }, positionals: [url] } = options;
  try {
    const reader = new Reader(url, {
      root: await readFile(root), storage: await folder(state), audience, now: now ? new Date(now) : undefined,
      told: (line) => console.error(plain(line)),
    });
    const catalog = await reader.sync();
    if (model) {
      const document = await reader.model(model);
      console.log(JSON.stringify({ ...document, revoked: reader.refused(document.id) }));
      return 0;
    }
    for (const name of type ? [type] : Object.keys(catalog.types).sort()) {
      for (const [id, one] of Object.entries(await reader.models(name))) {
        const row = [name, id, one.latest, reader.status(id, one), one.license, inEnglish(one.title)];
        console.log(row.map(plain).join('\t'));
      }
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Refused) && error.code === undefined) throw error;
    console.error(`refused: ${plain(error.message)}`);
    return error instanceof Refused ? 3 : 2;
  }
}

if (globalThis.process?.argv?.[1]) {
  const { pathToFileURL } = await import('node:url');
  if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = await main(process.argv.slice(2));
}
