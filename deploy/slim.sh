#!/bin/sh
# slim.sh FOLDER [api]: removes what nothing here runs from an environment, which is most of an image's size: tests,
# sources of compiled modules, debugging symbols, a second ONNX Runtime for C programs, and all AWS services but S3.
# With `api`, also all of SciPy but `ndimage` and `special`, and fontTools, which matplotlib needs for PDF only.
set -eu
cd "$1"/lib/python3*/site-packages
find . -type d -name tests -prune -exec rm -rf {} +
find . -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.c' -o -name '*.h' -o -name '*.a' \) \
    -not -path './torch/*' -delete
rm -rf onnxruntime/capi/libonnxruntime.so.* onnxruntime/transformers onnxruntime/tools onnxruntime/quantization
rm -rf sqlalchemy/testing numpy/distutils
find botocore/data -mindepth 1 -maxdepth 1 -type d -not -name 's3' -not -name 'st[sa]*' -not -name 'sso*' -exec rm -rf {} +
if [ "${2:-}" = api ]; then
    rm -rf fontTools
    find scipy -mindepth 1 -maxdepth 1 -type d -not -name '_*' -not -name ndimage -not -name special -exec rm -rf {} +
fi
# Not the libraries that auditwheel put into *.libs: they are stripped already, and break if their layout changes.
find . -name '*.so' -not -path './*.libs/*' -not -path './torch/*' -exec strip --strip-unneeded {} +
