#!/usr/bin/env bash
# A reader of a signed gallery in bash, with curl, jq (1.6) and openssl (3.0). It follows docs/verify.md step by step.
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
  curl -sqg --proto '=http,https' --max-time 60 --max-filesize "$3" -w '%{stderr}%{http_code}' "$base$2" 2>"$work/status" |
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

# One object and nothing else.
parse() {
  jq -es 'length == 1 and (.[0] | type == "object")' "$2" >/dev/null 2>&1 ||
    refuse "$1" format 'something else' 'a JSON object in UTF-8'
}

# get FILE FILTER: a string or number, or nothing where there is something else.
get() { jq -r "[$2] | .[0] | if type == \"string\" or type == \"number\" then . else \"\" end" "$1" 2>/dev/null || true; }

# count STEP FILE FILTER: sets `count` to an integer. Checked before bash calculates with it: it would run what it reads.
count() {
  count=$(get "$2" "$3 | select(type == \"number\" and floor == . and . >= 0 and . < 9007199254740992) | floor | tostring")
  [[ $count =~ ^[0-9]+$ ]] || refuse "$1" format "no number at $3" 'a number'
}

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
      body=$(tr -d '[:space:]' <<<"${BASH_REMATCH[1]}" | base64 -d 2>/dev/null | od -An -v -tx1 | tr -d ' \n') || return 0
      [[ $body =~ ^3059301306072a8648ce3d020106082a8648ce3d03010703420004[0-9a-f]{128}$ ]] && key=$body ;;
  esac
  return 0
}

# verify STEP FILE TYPE AUTHORITY…: a threshold of distinct keys of each authority, {"keys", "role"}, has signed.
verify() {
  local step=$1 file=$2 kind=$3 by key wanted keytype scheme public signature found good
  parse "$step" "$file"
  jq -e '(.signed | type == "object") and (.signatures | type == "array")' "$file" >/dev/null ||
    refuse "$step" format 'no metadata' '`signed` and `signatures`'
  jq -j "$canonical .signed | canonical" "$file" >"$work/message" 2>/dev/null || refuse "$step" format 'a fraction' integers
  shift 3
  for by in "$@"; do
    count "$step" "$by" .role.threshold
    wanted=$count
    ((wanted > 0)) || refuse "$step" format 'a threshold of 0' 'at least one'
    local -A seen=()
    jq -r --slurpfile by "$by" '$by[0] as $by | .signatures[] | objects | select((.keyid | strings) and (.sig | strings))
      | .keyid as $id | select(any($by.role.keyids[]?; . == $id)) | ($by.keys[$id]? // empty)
        as $key | [$key.keytype, $key.scheme, ($key.keyval.public | strings | @base64), .sig] | @tsv' \
      "$file" >"$work/signatures" 2>/dev/null || refuse "$step" format 'unreadable signatures' 'signatures'
    while IFS=$'\t' read -r keytype scheme public signature; do
      spell "$keytype" "$scheme" "$public"
      [[ -n $key && -z ${seen[$key]:-} && $signature =~ ^([0-9a-fA-F]{2})+$ ]] || continue
      binary "$key" >"$work/key"
      binary "$signature" >"$work/signature"
      good=(openssl dgst -sha256 -verify "$work/key" -keyform DER -signature "$work/signature" "$work/message")
      if [[ $keytype == ed25519 ]]; then
        good=(openssl pkeyutl -verify -pubin -inkey "$work/key" -keyform DER -rawin -in "$work/message"
          -sigfile "$work/signature")
      fi
      if "${good[@]}" >/dev/null 2>&1; then seen[$key]=1; fi
    done <"$work/signatures"
    found=${#seen[@]}
    ((found >= wanted)) || refuse "$step" signature "$found good signatures" "$wanted by distinct keys"
    unset seen
  done
  found=$(get "$file" .signed._type)
  [[ $found == "$kind" ]] || refuse "$step" type "$found" "$kind"
  found=$(get "$file" .signed.spec_version)
  [[ $found == 1.* ]] || refuse "$step" format "TUF $found" 1.x
  count "$step" "$file" .signed.version
  ((count > 0)) || refuse "$step" format 'version 0' 'a number from 1'
}

# by FILE ROLE [DELEGATOR]: the authority over a role, written to FILE.
by() { jq --arg role "$2" '.signed | {keys, role: .roles[$role]}' "$3" >"$1" 2>/dev/null || printf '{}' >"$1"; }

current() {
  local found
  found=$(get "$2" .signed.expires)
  [[ $found =~ $instant ]] || refuse "$1" format "$found" 'a time in UTC'
  [[ $found > $now ]] || refuse "$1" expired "$found" "later than $now, the time of this machine"
}

# --- what is stored: one file of all that must agree, and documents by hash, which may vanish at any time

pinned=$(digest "$root")
kept() { [[ -s $work/old.$1 ]]; }

load() {
  local name found
  [[ -f $state/state.json ]] || return 0
  found=$(get "$state/state.json" .pinned)
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
  local one
  metadata=metadata/ targets=''
  if fetch discovery .well-known/gallery.json 16384 "$work/discovery"; then
    parse discovery "$work/discovery"
    [[ $(get "$work/discovery" '.gallery // 1') == 1 ]] || refuse discovery schema 'another version' 1
    metadata=$(get "$work/discovery" '.metadata // "metadata/"')
    targets=$(get "$work/discovery" '.targets // ""')
  fi
  for one in "$metadata" "$targets"; do # nobody signed them: none leads away from the gallery
    [[ $one =~ ^([A-Za-z0-9_-][A-Za-z0-9._-]*/)*$ ]] || refuse discovery format "$one" 'a folder of the gallery'
  done
}

# 1. From the pinned root to the present one: each is signed by the threshold of the old and of the new.
roots() {
  local version name rest=()
  cp "$root" "$work/root"
  if kept root; then cp "$work/old.root" "$work/root"; fi
  parse root "$work/root"
  by "$work/by" root "$work/root"
  verify root "$work/root" root "$work/by"
  for _ in {1..256}; do
    version=$((count + 1))
    fetch root "$metadata$version.root.json" 512000 "$work/next" || break
    parse root "$work/next"
    by "$work/by" root "$work/root"
    by "$work/by.next" root "$work/next"
    verify root "$work/next" root "$work/by" "$work/by.next"
    [[ $count == "$version" ]] || refuse root version "$count" "$version"
    mv "$work/next" "$work/root"
    for name in timestamp snapshot targets role catalog revoked; do
      if kept "$name"; then rest+=("$name=$work/old.$name"); fi
    done
    store "root=$work/root" "${rest[@]}" # it counts whatever fails after it
  done
  current root "$work/root"
}

# 2. What another key signed, before a new root took it away, is forgotten: a thief may have pushed it far ahead.
still() { kept "$1" && (verify "$1" "$work/old.$1" "$1" "$work/by") 2>/dev/null; }

timestamp() {
  local is was
  by "$work/by" timestamp "$work/root"
  fetch timestamp "${metadata}timestamp.json" 16384 "$work/timestamp" ||
    refuse timestamp unreachable "nothing at $base${metadata}timestamp.json" 'a file'
  verify timestamp "$work/timestamp" timestamp "$work/by"
  is=$count
  count timestamp "$work/timestamp" '.signed.meta["snapshot.json"].version'
  if still timestamp; then
    local announced=$count
    count timestamp "$work/old.timestamp" .signed.version
    was=$count
    ((is >= was)) || refuse timestamp version "$is" "at least $was"
    count timestamp "$work/old.timestamp" '.signed.meta["snapshot.json"].version'
    ((announced >= count)) || refuse timestamp version "snapshot $announced announced" "at least $count"
    if [[ $is == "$was" ]]; then cp "$work/old.timestamp" "$work/timestamp"; fi
  fi
  current timestamp "$work/timestamp"
}

# announced NAME ANNOUNCING AUTHORITY KEPT LIMIT: length and hash, then signature, type, version, expiry.
announced() {
  local version length hash kind=$1
  jq -e ".signed.meta[\"$1.json\"] | objects" "$2" >/dev/null 2>&1 || refuse "$1" missing "no $1.json announced" it
  count "$1" "$2" ".signed.meta[\"$1.json\"].version"
  version=$count
  length=$(get "$2" ".signed.meta[\"$1.json\"].length")
  hash=$(get "$2" ".signed.meta[\"$1.json\"].hashes.sha256")
  if is "$4" "$length" "$hash"; then cp "$4" "$work/$1"; else
    named "$1" "$metadata$version.$1.json" "$length" "$hash" "$5" "$work/$1"
  fi
  if [[ $1 == catalog ]]; then kind=targets; fi
  verify "$1" "$work/$1" "$kind" "$3"
  [[ $count == "$version" ]] || refuse "$1" version "$count" "$version"
  current "$1" "$work/$1"
}

# 3. No role that was known may vanish or go down.
snapshot() {
  local name was is
  by "$work/by" snapshot "$work/root"
  announced snapshot "$work/timestamp" "$work/by" "$work/old.snapshot" 2000000
  still snapshot || return 0
  jq -r '.signed.meta | to_entries[] | [.key, .value.version] | @tsv' "$work/old.snapshot" >"$work/roles"
  while IFS=$'\t' read -r name was; do
    is=$(jq -r --arg name "$name" '.signed.meta[$name].version // 0 | numbers | floor' "$work/snapshot")
    [[ $is =~ ^[0-9]+$ && $was =~ ^[0-9]+$ ]] && ((is >= was)) || refuse snapshot version "$name at $is" "at least $was"
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

# schema STEP FILE FIELD: another major is refused, a later minor read; `reader` says what a reader must know at least.
schema() {
  local found
  found=$(get "$2" ".$3 // \"1.0\"")
  [[ $found =~ ^1\.[0-9]+$ && ($3 == schema || $found == 1.0) ]] || refuse "$1" schema "$3 $found" '1.x; update this reader'
}

# 5. The catalog.
catalog() {
  local length hash found epoch serial limit
  length=$(get "$work/role" '.signed.targets["v1/catalog.json"].length')
  hash=$(get "$work/role" '.signed.targets["v1/catalog.json"].hashes.sha256')
  if is "$work/old.catalog" "$length" "$hash"; then cp "$work/old.catalog" "$work/catalog"; else
    named catalog "${targets}v1/$hash.catalog.json" "$length" "$hash" 5000000 "$work/catalog"
  fi
  parse catalog "$work/catalog"
  schema catalog "$work/catalog" schema
  schema catalog "$work/catalog" reader
  found=$(get "$work/catalog" .audience)
  [[ $found == "$audience" ]] || refuse catalog audience "$found" "$audience"
  found=$(get "$work/catalog" .built)
  limit=$(jq -nr --arg now "$now" '$now | fromdate + 86400 | todate')
  [[ ! $found > $limit ]] || refuse catalog clock "built $found" 'no later than now: is the clock right?'
  count catalog "$work/catalog" .epoch
  epoch=$count
  count catalog "$work/catalog" .serial
  serial=$count
  kept catalog || return 0
  count catalog "$work/old.catalog" .epoch
  if ((epoch > count)); then return 0; fi # only that, said on purpose, takes the serial back
  found=$count
  count catalog "$work/old.catalog" .serial
  ((epoch == found && serial >= count)) || refuse catalog serial "$epoch/$serial" "at least $found/$count"
}

# 6. document FOLDER FILE FILTER: by the hash that FILE names, to `document`; kept while it is whole.
document() {
  local length hash
  length=$(get "$2" "$3.length")
  hash=$(get "$2" "$3.sha256")
  document=$state/$hash.json
  if is "$document" "$length" "$hash"; then return 0; fi
  named document "$1$hash.json" "$length" "$hash" 64000000 "$work/document"
  mv "$work/document" "$document"
}

show() {
  local id
  document v1/directory/ "$work/catalog" .directory
  id=$(jq -r --arg id "$model" '.aliases[$id] // $id' "$document")
  if jq -e --arg id "$id" '.removed[$id]' "$document" >/dev/null; then
    refuse document removed "$id gone" "$(get "$document" ".removed[\"$id\"].successor // \"another model\"")"
  fi
  jq --arg id "$id" '.models[$id] // empty' "$document" >"$work/named"
  [[ -s $work/named ]] || refuse document missing "no model $model" 'an id of the directory'
  document "v1/models/$id/" "$work/named" ''
  schema document "$document" schema
  jq -c --slurpfile bad "$work/revoked" \
    '.id as $id | . + {revoked: [$bad[0].revoked[]? | select(.id == $id) | .releases[]?]}' "$document"
}

list() {
  local left
  jq -e --arg type "$1" '.types | has($type)' "$work/catalog" >/dev/null || refuse document missing "no type $1" 'a type'
  document "v1/types/$1/" "$work/catalog" ".types[\"$1\"]"
  schema document "$document" schema
  jq -r --arg today "${now%T*}" --slurpfile bad "$work/revoked" '
    def plain: tostring | gsub("[\u0000-\u001f\u007f-\u009f]"; " ");
    .type as $type | .models | to_entries[] | select(any(.value.releases[]?; .requires) | not) | .key as $id | .value
    | .latest as $latest
    | (if any($bad[0].revoked[]?; .id == $id and any(.releases[]?; . == $latest)) then "revoked"
       elif .expires and .expires <= $today then "expired" else .status end) as $status
    | [$type, $id, $latest // "", $status, .license // "", (.title | if type == "object" then .en // first(.[]) else . end)]
    | map(plain) | join("\t")' "$document"
  left=$(jq '[.models[] | select(any(.releases[]?; .requires))] | length' "$document")
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
if [[ -n $type ]]; then printf '%s\n' "$type" >"$work/types"; fi
while read -r type; do list "$type"; done <"$work/types"
