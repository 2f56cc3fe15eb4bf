#!/usr/bin/env bash
# A reader of a signed gallery in bash 4, with curl, jq (1.6), openssl (3.0) and GNU's coreutils. It follows
# docs/verify.md step by step.
#
#   reader.sh URL --root root.json --state DIR [--type llm] [--model publisher/name]
#
# Exit codes: 0 verified, 2 wrong use, 3 refused; then standard error says which step failed, with found and expected.
# The folder of state is the same as that of reader.mjs: each may go on where the other stopped.
# Left out: deltas, mirrors, a grace after expiry (this is `strict`), pulling model files, a lock for several processes.
set -euo pipefail
export LC_ALL=C

usage() {
  printf '%s\nusage: reader.sh URL --root root.json --state DIR\n' "$1" >&2
  printf '       [--type TYPE] [--model ID] [--audience NAME] [--now TIME]\n' >&2
  exit 2
}

# refuse STEP REASON FOUND EXPECTED. Never in a pipe or in `local x=$(…)`: there the exit would be lost.
refuse() {
  printf 'refused: %s: %s: found %s, expected %s\n' "$1" "$2" "$3" "$4" | tr -d '\000-\011\013-\037\177' >&2
  exit 3
}

url='' root='' state='' type='' model='' audience=public now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
while (($#)); do
  case $1 in
    --root | --state | --type | --model | --audience | --now)
      (($# > 1)) || usage "$1 needs a value"
      printf -v "${1#--}" %s "$2"
      shift ;;
    -*) usage "unknown option $1" ;;
    *) [[ -z $url ]] || usage 'one address only'; url=$1 ;;
  esac
  shift
done
[[ -n $url && -n $root && -n $state ]] || usage 'missing arguments'
[[ -r $root ]] || usage "cannot read $root"
instant='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'
[[ $now =~ $instant ]] || usage '--now needs a time such as 2026-11-20T15:00:00Z'
for tool in curl jq openssl; do command -v "$tool" >/dev/null || usage "$tool is missing"; done
base=${url%/}/
mkdir -p "$state"
work=$(mktemp -d "$state/.work.XXXXXX") # beside the state, so that moving a file there is one step
trap 'rm -rf "$work"' EXIT

# --- fetching

size() { local bytes; bytes=$(wc -c <"$1"); printf %d "$bytes"; }
digest() { local line; line=$(sha256sum <"$1"); printf %s "${line%% *}"; }

# fetch STEP PATH LIMIT FILE: never more than LIMIT bytes, whatever the server says or sends. No redirects (no -L).
# 1 where there is nothing; who calls decides whether that is allowed.
fetch() {
  local codes status
  # curl 7 keeps --max-filesize only where the server told the size, so `head` cuts the rest off
  curl -sqg --proto '=http,https' --max-time 60 --max-filesize "$3" -w '%{stderr}%{http_code}' "$base$2" \
    2>"$work/status" |
    head -c "$(($3 + 1))" >"$4" && codes=("${PIPESTATUS[@]}") || codes=("${PIPESTATUS[@]}")
  status=$(<"$work/status")
  case $status in 403 | 404) return 1 ;; esac
  if [[ ${codes[0]} == 63 || $(size "$4") -gt $3 ]]; then
    refuse "$1" length "more than $3 bytes of $base$2" 'at most that'
  fi
  [[ ${codes[0]} == 0 ]] || refuse "$1" unreachable "curl's error ${codes[0]} of $base$2" 'an answer'
  [[ $status == 200 ]] || refuse "$1" unreachable "status $status of $base$2" 200
}

# named STEP PATH LENGTH SHA256 LIMIT FILE: length before reading, hash before parsing.
named() {
  local found
  [[ $3 =~ ^[0-9]{1,15}$ && $4 =~ ^[0-9a-f]{64}$ ]] || refuse "$1" format "no length and hash of $base$2" both
  (($3 <= $5)) || refuse "$1" length "$3 bytes announced" "at most $5"
  fetch "$1" "$2" "$3" "$6" || refuse "$1" unreachable "nothing at $base$2" 'a file'
  found=$(size "$6")
  [[ $found == "$3" ]] || refuse "$1" length "$found bytes of $base$2" "$3"
  found=$(digest "$6")
  [[ $found == "$4" ]] || refuse "$1" sha256 "$found of $base$2" "$4"
}

is() { [[ -f $1 && $(size "$1") == "$2" && $(digest "$1") == "$3" ]]; }

# --- JSON

# What TUF signs: sorted keys, no white space, integers only; in strings only `"` and `\` are escaped. So line feeds of
# keys in PEM stand raw, which `jq -cS` would not do.
canonical='
  def quoted: "\"" + (split("\\") | join("\\\\") | split("\"") | join("\\\"")) + "\"";
  def canonical:
    if type == "object" then "{" + ([keys[] as $k | ($k | quoted) + ":" + (.[$k] | canonical)] | join(",")) + "}"
    elif type == "array" then "[" + (map(canonical) | join(",")) + "]"
    elif type == "string" then quoted
    elif type == "number" then
      if floor == . and fabs < 9007199254740992 then floor | tostring else error("a fraction") end
    else tostring end;'
# A fact on one line: whole numbers, and text that is none. Bash would run what it calculates with.
fact='
  def fact:
    if type == "number" and floor == . and . >= 0 and . < 9007199254740992 then floor | tostring
    elif type == "string" and (test("^[0-9]+$") | not) then gsub("[\u0000-\u001f\u007f-\u009f]"; " ")
    else "" end;'

# facts STEP FILE FILTER NAME…: sets variables to what FILTER gives, to nothing where that is no fact.
facts() {
  local step=$1 file=$2 filter=$3 line
  shift 3
  line=$(jq -rs "$fact if length == 1 and (.[0] | type == \"object\") then .[0] else error(\"no object\") end
    | [$filter] | map(fact) | join(\"\u001f\")" "$file" 2>/dev/null) ||
    refuse "$step" format 'something else' 'a JSON object in UTF-8'
  IFS=$'\x1f' read -r "$@" <<<"$line"
}

# numbers STEP VALUE…: each is a whole number.
numbers() {
  local step=$1 one
  shift
  for one in "$@"; do [[ $one =~ ^[0-9]+$ ]] || refuse "$step" format "${one:-nothing}" 'a number'; done
}

# --- signatures

binary() { printf "$(sed 's/../\\x&/g' <<<"$1")"; }

# spell TYPE SCHEME PUBLIC-IN-BASE64: sets `key` to the DER of a key in hex, or to nothing: unknown types are ignored.
# One spelling for each key, so that no key counts twice.
spell() {
  local public body pem='^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=[:space:]]+)-----END PUBLIC KEY-----[[:space:]]*$'
  key=''
  public=$(base64 -d <<<"$3")
  case $1/$2 in
    ed25519/ed25519)
      [[ $public =~ ^[0-9a-fA-F]{64}$ ]] && key=302a300506032b6570032100${public,,} ;;
    ecdsa/ecdsa-sha2-nistp256 | ecdsa-sha2-nistp256/ecdsa-sha2-nistp256)
      [[ $public =~ $pem ]] || return 0
      body=$(tr -d '[:space:]' <<<"${BASH_REMATCH[1]}" | base64 -d 2>/dev/null | od -An -v -tx1 | tr -d ' \n') ||
        return 0
      [[ $body =~ ^3059301306072a8648ce3d020106082a8648ce3d03010703420004[0-9a-f]{128}$ ]] && key=$body ;;
  esac
  return 0
}

# verify STEP FILE TYPE AUTHORITY…: a threshold of distinct keys of each authority, {"keys", "role"}, has signed.
# Sets `version` and `expires` to those of FILE.
verify() {
  local step=$1 file=$2 kind=$3 by wanted found spec keytype scheme public signature good
  shift 3
  jq -js "$canonical if length == 1 and (.[0].signatures | type == \"array\") and (.[0].signed | type == \"object\")
    then .[0].signed | canonical else error(\"no metadata\") end" "$file" >"$work/message" 2>/dev/null ||
    refuse "$step" format 'something else' 'metadata of whole numbers, in UTF-8'
  for by in "$@"; do
    local -A seen=()
    # first a line of facts, then one for each signature by a key of the role
    jq -r --slurpfile by "$by" "$fact "'$by[0] as $by | .signed as $signed
      | ([$by.role.threshold, $signed._type, $signed.spec_version, $signed.version, $signed.expires]
        | map(fact) | join("\u001f")),
      (.signatures[] | objects | select((.keyid | strings) and (.sig | strings)) | .keyid as $id
        | select(any($by.role.keyids[]?; . == $id)) | ($by.keys[$id]? // empty) as $key
        | [$key.keytype, $key.scheme, ($key.keyval.public | strings | @base64), .sig] | map(fact) | join("\u001f"))' \
      "$file" >"$work/facts" 2>/dev/null || refuse "$step" format 'unreadable signatures' signatures
    {
      IFS=$'\x1f' read -r wanted found spec version expires
      numbers "$step" "$wanted" "$version"
      while IFS=$'\x1f' read -r keytype scheme public signature; do
        spell "$keytype" "$scheme" "$public"
        [[ -n $key && -z ${seen[$key]:-} && $signature =~ ^([0-9a-fA-F]{2})+$ ]] || continue
        binary "$key" >"$work/key"
        binary "$signature" >"$work/signature"
        good=(openssl dgst -sha256 -verify "$work/key" -keyform DER -signature "$work/signature" "$work/message")
        if [[ $keytype == ed25519 ]]; then
          good=(openssl pkeyutl -verify -pubin -inkey "$work/key" -keyform DER -rawin -in "$work/message"
            -sigfile "$work/signature")
        fi
        if "${good[@]}" >/dev/null 2>&1 </dev/null; then seen[$key]=1; fi
      done
    } <"$work/facts"
    ((wanted > 0)) || refuse "$step" format 'a threshold of 0' 'at least one'
    ((${#seen[@]} >= wanted)) || refuse "$step" signature "${#seen[@]} good signatures" "$wanted by distinct keys"
    unset seen
  done
  [[ $found == "$kind" ]] || refuse "$step" type "$found" "$kind"
  [[ $spec == 1.* ]] || refuse "$step" format "TUF $spec" 1.x
  ((version > 0)) || refuse "$step" format 'version 0' 'a number from 1'
}

# by FILE ROLE [DELEGATOR]: the authority over a role, written to FILE.
by() { jq --arg role "$2" '.signed | {keys, role: .roles[$role]}' "$3" >"$1" 2>/dev/null || printf '{}' >"$1"; }

# current STEP: what was verified last has not expired.
current() {
  [[ $expires =~ $instant ]] || refuse "$1" format "$expires" 'a time in UTC'
  [[ $expires > $now ]] || refuse "$1" expired "$expires" "later than $now, the time of this machine"
}

# --- what is stored: one file of all that must agree, and documents by hash, which may vanish at any time

pinned=$(digest "$root")
vouched='' # whether the present root vouches for what is stored
kept() { [[ -s $work/old.$1 ]]; }

load() {
  local found name
  [[ -f $state/state.json ]] || return 0
  found=$(jq -r '.pinned | strings' "$state/state.json" 2>/dev/null) || true
  if [[ $found != "$pinned" ]]; then
    echo 'the stored state is damaged or of another root: starting anew' >&2
    return 0
  fi
  for name in root timestamp snapshot targets role catalog; do
    jq -j ".$name // \"\" | strings" "$state/state.json" >"$work/old.$name"
  done
}

# store NAME=FILE…: a crash leaves the state before or after.
store() {
  local one words=() filter='{pinned: $pinned}'
  for one in "$@"; do
    words+=(--rawfile "${one%%=*}" "${one#*=}")
    filter+=" + {${one%%=*}: \$${one%%=*}}"
  done
  jq -n --arg pinned "$pinned" "${words[@]}" "$filter" >"$work/state.json"
  sync "$work/state.json"
  mv "$work/state.json" "$state/state.json"
}

# --- the steps of docs/verify.md

discover() {
  local gallery one
  metadata=metadata/ targets=''
  if fetch discovery .well-known/gallery.json 16384 "$work/discovery"; then
    facts discovery "$work/discovery" '.gallery // 1, .metadata // "metadata/", .targets // ""' gallery metadata targets
    [[ $gallery == 1 ]] || refuse discovery schema "version $gallery" 1
    metadata=${metadata:-of another kind} # it was no text
  fi
  for one in "$metadata" "$targets"; do # nobody signed them: none leads away from the gallery
    [[ $one =~ ^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*$ ]] || refuse discovery format "$one" 'a folder of the gallery'
  done
}

# 1. From the pinned root to the present one: each is signed by the threshold of the old and of the new.
roots() {
  local next name rest=()
  cp "$root" "$work/root"
  if kept root; then cp "$work/old.root" "$work/root"; fi
  for name in timestamp snapshot targets role catalog; do
    if kept "$name"; then rest+=("$name=$work/old.$name"); fi
  done
  by "$work/by" root "$work/root"
  verify root "$work/root" root "$work/by"
  for _ in {1..256}; do
    next=$((version + 1))
    fetch root "$metadata$next.root.json" 512000 "$work/next" || break
    by "$work/by" root "$work/root"
    by "$work/by.next" root "$work/next"
    verify root "$work/next" root "$work/by" "$work/by.next"
    [[ $version == "$next" ]] || refuse root version "$version" "$next"
    mv "$work/next" "$work/root"
    store "root=$work/root" "${rest[@]}" # it counts whatever fails after it
  done
  current root
}

# 2. What another key signed, before a new root took it away, is forgotten: a thief may have pushed it far ahead.
still() { kept "$1" && (verify "$1" "$work/old.$1" "$1" "$work/by") 2>/dev/null; }

timestamp() {
  local is was announced before filter='.signed | .version, .meta["snapshot.json"].version'
  by "$work/by" timestamp "$work/root"
  fetch timestamp "${metadata}timestamp.json" 16384 "$work/timestamp" ||
    refuse timestamp unreachable "nothing at $base${metadata}timestamp.json" 'a file'
  verify timestamp "$work/timestamp" timestamp "$work/by"
  facts timestamp "$work/timestamp" "$filter" is announced
  numbers timestamp "$announced"
  if still timestamp; then
    vouched=1
    facts timestamp "$work/old.timestamp" "$filter" was before
    ((is >= was)) || refuse timestamp version "$is" "at least $was"
    ((announced >= before)) || refuse timestamp version "snapshot $announced announced" "at least $before"
    if [[ $is == "$was" ]]; then cp "$work/old.timestamp" "$work/timestamp"; fi
    facts timestamp "$work/timestamp" .signed.expires expires
  fi
  current timestamp
}

# announced NAME ANNOUNCING AUTHORITY KEPT LIMIT: length and hash, then signature, type, version, expiry.
announced() {
  local wanted length hash kind=$1
  facts "$1" "$2" ".signed.meta[\"$1.json\"] | .version, .length, .hashes.sha256" wanted length hash
  [[ -n $wanted$length$hash ]] || refuse "$1" missing "no $1.json announced" it
  numbers "$1" "$wanted"
  if is "$4" "$length" "$hash"; then cp "$4" "$work/$1"; else
    named "$1" "$metadata$wanted.$1.json" "$length" "$hash" "$5" "$work/$1"
  fi
  if [[ $1 == catalog ]]; then kind=targets; fi
  verify "$1" "$work/$1" "$kind" "$3"
  [[ $version == "$wanted" ]] || refuse "$1" version "$version" "$wanted"
  current "$1"
}

# 3. No role that was known may vanish or go down.
snapshot() {
  local name was is
  by "$work/by" snapshot "$work/root"
  announced snapshot "$work/timestamp" "$work/by" "$work/old.snapshot" 2000000
  still snapshot || return 0
  jq -r --slurpfile new "$work/snapshot" "$fact"'.signed.meta | to_entries[]
    | [.key, .value.version, $new[0].signed.meta[.key].version // 0] | map(fact) | join("\u001f")' \
    "$work/old.snapshot" >"$work/roles"
  while IFS=$'\x1f' read -r name was is; do
    numbers snapshot "$was" "$is"
    ((is >= was)) || refuse snapshot version "$name at $is" "at least $was"
  done <"$work/roles"
}

# 4. targets delegates exactly the catalog to the role of that name.
delegated() {
  by "$work/by" targets "$work/root"
  announced targets "$work/snapshot" "$work/by" "$work/old.targets" 5000000
  jq -e '.signed.delegations | {keys, role: ([.roles[] | select(.name == "catalog")]
    | if length == 1 and any(.[0].paths[]; . == "v1/catalog.json") then .[0] else error("none") end)}' \
    "$work/targets" >"$work/by" 2>/dev/null ||
    refuse targets format 'no such delegation' 'one role `catalog` for v1/catalog.json'
  announced catalog "$work/snapshot" "$work/by" "$work/old.role" 5000000
  mv "$work/catalog" "$work/role"
}

# schema STEP NUMBER [reader]: another major is refused, a later minor read, unless a reader must know it.
schema() {
  [[ $2 =~ ^1\.[0-9]+$ && ($# == 2 || $2 == 1.0) ]] || refuse "$1" schema "${3:-schema} $2" '1.x; update this reader'
}

# 5. The catalog.
catalog() {
  local length hash found reader for built epoch serial limit was older
  facts catalog "$work/role" '.signed.targets["v1/catalog.json"] | .length, .hashes.sha256' length hash
  if is "$work/old.catalog" "$length" "$hash"; then cp "$work/old.catalog" "$work/catalog"; else
    named catalog "${targets}v1/$hash.catalog.json" "$length" "$hash" 5000000 "$work/catalog"
  fi
  facts catalog "$work/catalog" '.schema, .reader // "1.0", .audience, .built, .epoch, .serial' \
    found reader for built epoch serial
  schema catalog "$found"
  schema catalog "$reader" reader
  [[ $for == "$audience" ]] || refuse catalog audience "$for" "$audience"
  limit=$(date -u -d "$now 1 day" +%Y-%m-%dT%H:%M:%SZ)
  [[ ! $built > $limit ]] || refuse catalog clock "built $built" 'no later than now: is the clock right?'
  numbers catalog "$epoch" "$serial"
  kept catalog && [[ -n $vouched ]] || return 0 # of a key that was taken away no number counts
  facts catalog "$work/old.catalog" '.epoch, .serial' older was
  numbers catalog "$older" "$was" # of a file: somebody else may have written it
  if ((epoch > older)); then return 0; fi # only that, said on purpose, takes the serial back
  ((epoch == older && serial >= was)) || refuse catalog serial "$epoch/$serial" "at least $older/$was"
}

# 6. document FOLDER FILE FILTER: by the hash that FILE names, to `document`; kept while it is whole.
document() {
  local length hash
  facts document "$2" "$3 | .length, .sha256" length hash
  document=$state/$hash.json
  if is "$document" "$length" "$hash"; then return 0; fi
  named document "$1$hash.json" "$length" "$hash" 64000000 "$work/document"
  mv "$work/document" "$document"
}

show() {
  local id gone instead found
  document v1/directory/ "$work/catalog" .directory
  id=$(jq -r --arg id "$model" '.aliases[$id] // $id' "$document")
  jq --arg id "$id" '{model: .models[$id], removed: .removed[$id]}' "$document" >"$work/named"
  facts document "$work/named" '.removed.since, .removed.successor, .model.sha256' gone instead found
  [[ -z $gone ]] || refuse document removed "$id gone since $gone" "${instead:-another model}"
  [[ -n $found ]] || refuse document missing "no model $model" 'an id of the directory'
  document "v1/models/$id/" "$work/named" .model
  facts document "$document" .schema found
  schema document "$found"
  jq -c --slurpfile bad "$work/revoked" \
    '.id as $id | . + {revoked: [$bad[0].revoked[]? | select(.id == $id) | .releases[]?]}' "$document"
}

list() {
  local found left
  [[ $1 =~ ^[a-z0-9][a-z0-9._-]*$ ]] || refuse document format "the type $1" 'a name' # it becomes part of a program
  document "v1/types/$1/" "$work/catalog" ".types[\"$1\"]"
  facts document "$document" '.schema, ([.models[] | objects | select(any(., (.releases[]? | objects); .requires))] | length)' found left
  schema document "$found"
  jq -r --arg today "${now%T*}" --slurpfile bad "$work/revoked" '
    def plain: tostring | gsub("[\u0000-\u001f\u007f-\u009f]"; " ");
    .type as $type | .models | to_entries[] | select(.value | objects | any(., (.releases[]? | objects); .requires) | not)
    | .key as $id | .value
    | .latest as $latest
    | (if any($bad[0].revoked[]?; .id == $id and any(.releases[]?; . == $latest)) then "revoked"
       elif .expires and .expires <= $today then "expired" else .status end) as $status
    | (.title | if type == "object" then .en // first(.[]) else . end) as $title
    | [$type, $id, $latest // "", $status, .license // "", $title]
    | map(plain) | join("\t")' "$document"
  if ((left > 0)); then echo "left out: $left models for later readers" >&2; fi
}

load
discover
roots
timestamp
snapshot
delegated
catalog
document v1/revoked/ "$work/catalog" .revoked # first: they count even where nothing else can be read
cp "$document" "$work/revoked"
store root="$work/root" timestamp="$work/timestamp" snapshot="$work/snapshot" targets="$work/targets" \
  role="$work/role" catalog="$work/catalog" revoked="$work/revoked"

if [[ -n $model ]]; then show; exit; fi
jq -r '.types | keys[]' "$work/catalog" >"$work/types"
if [[ -n $type ]]; then
  grep -qxF -- "$type" "$work/types" || refuse document missing "no type $type" 'a type of the catalog'
  printf '%s\n' "$type" >"$work/types"
fi
while read -r type; do list "$type"; done <"$work/types"
