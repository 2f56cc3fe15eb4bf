// What a reader of a signed gallery needs below itself: bounded fetching, canonical forms, signatures. No dependencies;
// Node 20 or later, and browsers whose WebCrypto has Ed25519. The rules are in docs/verify.md; reader.mjs uses this.

const SECONDS = 60;
// A P-256 key is this and its 65 bytes: one spelling for each key, so that no key counts twice.
const P256 = '3059301306072a8648ce3d020106082a8648ce3d03010703420004';

export class Refused extends Error {
  // step: discovery, root, timestamp, snapshot, targets, catalog or document; reason: one of those in docs/verify.md
  constructor(step, reason, found, expected) {
    super(`${step}: ${reason}: found ${found}, expected ${expected}`);
    Object.assign(this, { step, reason });
  }
}

export function demand(condition, step, reason, found, expected) {
  if (!condition) throw new Refused(step, reason, found, expected);
}

// --- bytes

export const text = (bytes) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
export const utf8 = (string) => new TextEncoder().encode(string);
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const unhex = (string) => new Uint8Array((string.match(/../g) ?? []).map((pair) => parseInt(pair, 16)));
export const sha256 = async (bytes) => hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
const isHash = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
export const pin = (entry) => ({ length: entry?.length, sha256: entry?.hashes?.sha256 });
export const own = (object, key) => (isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined);

export function parse(step, bytes) {
  try {
    const value = JSON.parse(text(bytes));
    if (isObject(value)) return value;
  } catch { /* said below */ }
  throw new Refused(step, 'format', 'something else', 'a JSON object in UTF-8');
}

// What TUF signs: sorted keys, no white space, integers only; in strings only `"` and `\` are escaped.
export function canonical(value) {
  if (typeof value === 'string') return `"${value.replace(/["\\]/g, '\\$&')}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (isObject(value)) {
    return `{${Object.keys(value).sort().map((key) => `${canonical(key)}:${canonical(value[key])}`).join(',')}}`;
  }
  if (value === null || typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  throw new Error(`the number ${value}`);
}

// What documents are written in (RFC 8785); needed for deltas alone. JavaScript's own numbers and strings are its form.
export function jcs(value) {
  if (Array.isArray(value)) return `[${value.map(jcs).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${jcs(value[key])}`).join(',')}}`;
}

// RFC 7396. Objects have no prototype, so that `__proto__` is a key like any other.
export function merge(target, patch) {
  if (!isObject(patch)) return patch;
  const result = Object.assign(Object.create(null), isObject(target) ? target : {});
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

// --- fetching

// Never more than `limit` bytes, whatever the server says or sends; null where there is nothing and that is allowed.
export async function fetchBytes(step, url, limit, { absent = false, fresh = false } = {}) {
  try {
    const signal = AbortSignal.timeout(SECONDS * 1000); // of the whole body: a slow drip ends too
    const options = { redirect: 'error', credentials: 'omit', cache: fresh ? 'no-store' : 'default', signal };
    const response = await fetch(url, options);
    if (absent && [403, 404].includes(response.status)) return null; // object stores say 403 where they may not list
    demand(response.status === 200, step, 'unreachable', `status ${response.status} of ${url}`, '200');
    const parts = [];
    let length = 0;
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) {
        await reader.cancel();
        throw new Refused(step, 'length', `more than ${limit} bytes of ${url}`, 'at most that');
      }
      parts.push(value);
    }
    const whole = new Uint8Array(length);
    parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
    return whole;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(step, 'unreachable', error.cause?.message ?? error.message, url);
  }
}

export async function hasBytes(bytes, { length, sha256: digest }) {
  return bytes.length === length && (await sha256(bytes)) === digest;
}

// Length before reading, hash before parsing.
export async function fetchNamed(step, url, named, limit) {
  demand(isCount(named.length) && isHash(named.sha256), step, 'format', `no length and hash of ${url}`, 'both');
  demand(named.length <= limit, step, 'length', `${named.length} bytes announced`, `at most ${limit}`);
  // Only what has its hash in its name never changes: after a recovery, metadata start their numbers anew.
  const bytes = await fetchBytes(step, url, named.length, { fresh: !url.includes(named.sha256) });
  demand(bytes.length === named.length, step, 'length', `${bytes.length} bytes of ${url}`, named.length);
  const found = await sha256(bytes);
  demand(found === named.sha256, step, 'sha256', `${found} of ${url}`, named.sha256);
  return bytes;
}

// --- signatures

// The one spelling of a key that this reader can use, else null: unknown types are ignored, not fatal.
function spelled(key) {
  const value = key?.keyval?.public;
  if (typeof value !== 'string') return null;
  if (key.keytype === 'ed25519' && key.scheme === 'ed25519') {
    return /^[0-9a-f]{64}$/i.test(value) ? value.toLowerCase() : null;
  }
  if (!['ecdsa', 'ecdsa-sha2-nistp256'].includes(key.keytype) || key.scheme !== 'ecdsa-sha2-nistp256') return null;
  const body = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(value);
  if (!body) return null;
  let der;
  try {
    der = hex(Uint8Array.from(atob(body[1].replace(/\s/g, '')), (char) => char.charCodeAt(0)));
  } catch {
    return null; // not base64
  }
  return der.length === 182 && der.startsWith(P256) ? der : null;
}

// WebCrypto wants the two numbers of an ECDSA signature as 32 bytes each; TUF has them in DER.
function fromDer(der) {
  const numbers = [];
  let at = 2;
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  while (at < der.length && der[at] === 0x02) {
    const digits = hex(der.slice(at + 2, at + 2 + der[at + 1])).replace(/^(00)+/, '');
    if (digits.length > 64) return null;
    numbers.push(digits.padStart(64, '0'));
    at += 2 + der[at + 1];
  }
  return numbers.length === 2 && at === der.length ? unhex(numbers.join('')) : null;
}

async function signedBy(key, signature, message) {
  if (typeof signature !== 'string' || !/^([0-9a-f]{2})+$/i.test(signature)) return false;
  try {
    if (key.length === 64) {
      const imported = await crypto.subtle.importKey('raw', unhex(key), 'Ed25519', false, ['verify']);
      return await crypto.subtle.verify('Ed25519', imported, unhex(signature), message);
    }
    const raw = fromDer(unhex(signature));
    const curve = { name: 'ECDSA', namedCurve: 'P-256' };
    const imported = await crypto.subtle.importKey('spki', unhex(key), curve, false, ['verify']);
    return raw !== null && (await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, imported, raw, message));
  } catch (error) {
    if (error.name === 'NotSupportedError') throw error; // an old browser is no forgery
    return false; // a point that is none
  }
}

// The `signed` part of metadata once a threshold of distinct keys of each authority has signed it.
export async function verified(step, bytes, type, ...authorities) {
  const envelope = parse(step, bytes);
  const { signed, signatures } = envelope;
  demand(isObject(signed) && Array.isArray(signatures), step, 'format', 'no metadata', '`signed` and `signatures`');
  let message;
  try {
    message = utf8(canonical(signed));
  } catch (error) {
    throw new Refused(step, 'format', error.message, 'integers');
  }
  for (const { keys, role } of authorities) {
    const wanted = role?.threshold;
    const usable = isCount(wanted) && wanted > 0 && Array.isArray(role.keyids);
    demand(usable, step, 'format', 'no usable role', 'keyids and a threshold of at least one');
    const good = new Set();
    for (const { keyid, sig } of signatures.filter(isObject)) {
      const key = role.keyids.includes(keyid) ? spelled(own(keys, keyid)) : null;
      if (key !== null && !good.has(key) && (await signedBy(key, sig, message))) good.add(key);
    }
    demand(good.size >= wanted, step, 'signature', `${good.size} good signatures`, `${wanted} by distinct keys`);
  }
  demand(signed._type === type, step, 'type', signed._type, type);
  demand(/^1\./.test(signed.spec_version), step, 'format', `TUF ${signed.spec_version}`, '1.x');
  demand(isCount(signed.version) && signed.version > 0, step, 'format', `version ${signed.version}`, 'a number');
  return signed;
}

export const authority = (delegator, name) => ({ keys: delegator.keys, role: own(delegator.roles, name) });

export function current(step, signed, now) {
  const found = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(signed.expires) ? Date.parse(signed.expires) : NaN;
  demand(!Number.isNaN(found), step, 'format', signed.expires, 'a time in UTC');
  const clock = now.toISOString().replace(/\.\d+Z$/, 'Z');
  demand(found > now, step, 'expired', signed.expires, `later than ${clock}, the time of this machine`);
}
