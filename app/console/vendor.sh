#!/bin/sh
# Fills vendor/ beside this file: vendor.sh PACKAGE@VERSION... of the npm registry. `make vendor` names them.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf vendor
for package in "$@"; do
  name=${package%@*}
  npm pack --silent --pack-destination "$work" "$package" > /dev/null
  mkdir -p "$work/$name" "vendor/$name"
  tar -xzf "$work/$name-${package##*@}.tgz" -C "$work/$name" --strip-components 1
  cp "$work/$name"/LICENSE* "vendor/$name/"
  echo "$package" > "vendor/$name/VERSION"
done
grep -v '^//# sourceMappingURL' "$work/preact/dist/preact.mjs" > vendor/preact/preact.js
sed -e '/^\/\/# sourceMappingURL/d' -e 's|from"preact"|from"./preact.js"|' "$work/preact/hooks/dist/hooks.mjs" > vendor/preact/hooks.js
cp "$work/htm/dist/htm.module.js" vendor/htm/htm.js
for file in swagger-ui.css swagger-ui-bundle.js; do
  sed -e '/^\/\/# sourceMappingURL/d' -e 's|/\*# sourceMappingURL=.*\*/||' "$work/swagger-ui-dist/$file" > "vendor/swagger-ui-dist/$file"
done
cp "$work"/swagger-ui-dist/NOTICE "$work"/swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt vendor/swagger-ui-dist/
# The types of these modules are those of the packages; tsconfig.json says where they lie.
echo 'export * from "preact";' > vendor/preact/preact.d.ts
echo 'export * from "preact/hooks";' > vendor/preact/hooks.d.ts
echo 'export { default } from "htm";' > vendor/htm/htm.d.ts
find vendor -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum > "$work/SHA256SUMS"
mv "$work/SHA256SUMS" vendor/SHA256SUMS
