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
# Formulas and charts come as scripts that set a global; as modules they need a line more. Of KaTeX's fonts, our formulas use six.
{ cat "$work/katex/dist/katex.min.js"; echo; echo 'export default self.katex;'; } > vendor/katex/katex.js
fonts='Main-Regular Math-Italic Size1-Regular Size2-Regular Size3-Regular Size4-Regular'
mkdir vendor/katex/fonts
for font in $fonts; do cp "$work/katex/dist/fonts/KaTeX_$font.woff2" vendor/katex/fonts/; done
tr '}' '\n' < "$work/katex/dist/katex.min.css" | sed -e 's/,url([^)]*) format("\(woff\|truetype\)")//g' \
  | awk -v fonts="$fonts" 'NF { n = split(fonts, font, " "); keep = !/^@font-face/
                               for (i = 1; i <= n; i++) if (index($0, font[i] ".woff2")) keep = 1
                               if (keep) print $0 "}" }' > vendor/katex/katex.css
{ cat "$work/uplot/dist/uPlot.iife.min.js"; echo; echo 'export default uPlot;'; } > vendor/uplot/uplot.js
cp "$work/uplot/dist/uPlot.min.css" vendor/uplot/uplot.css
# The types of these modules are those of the packages; tsconfig.json says where they lie.
echo 'export * from "preact";' > vendor/preact/preact.d.ts
echo 'export * from "preact/hooks";' > vendor/preact/hooks.d.ts
echo 'export { default } from "htm";' > vendor/htm/htm.d.ts
echo 'export { default } from "katex";' > vendor/katex/katex.d.ts
echo 'export { default } from "uplot";' > vendor/uplot/uplot.d.ts
find vendor -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum > "$work/SHA256SUMS"
mv "$work/SHA256SUMS" vendor/SHA256SUMS
