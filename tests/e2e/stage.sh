#!/bin/sh
# stage.sh - what was built, as a small root folder that needs nothing from its host
#
#   tests/e2e/stage.sh BUILD-FOLDER DIR
#
# DIR/bin/ holds the programs, DIR/lib/ every shared library that they load, and DIR/lib64/ the
# loader: enough for a container image. Elsewhere DIR/run PROGRAM [ARG...] runs one with these
# libraries.
set -eu
build=$1 dir=$2
prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
rm -rf "$dir"
mkdir -p "$dir/bin" "$dir/lib" "$dir/lib64"
make -s -C "$build" install DESTDIR="$dir/install" >"$dir/install.log" 2>&1 || {
	cat "$dir/install.log" >&2
	exit 1
}
rm "$dir/install.log"
cp "$dir/install$prefix"/bin/* "$dir/bin/"
cp -P "$dir/install$prefix"/lib/*.so* "$dir/lib/"
[ ! -d "$dir/install$prefix/lib/corun" ] || cp -R "$dir/install$prefix/lib/corun" "$dir/lib/"
rm -rf "$dir/install"

# A line of ldd is "NAME => FILE (ADDRESS)"; the loader's own has no arrow.
for program in "$dir"/bin/*; do LD_LIBRARY_PATH=$dir/lib ldd "$program"; done |
	awk '$2 == "=>" { print $3 } $1 ~ /^\/.*\/ld-/ { print $1 }' | sort -u |
	while read -r file; do
		case $file in
		"$dir"/*) ;;
		*/ld-*) cp -L "$file" "$dir/lib64/" ;;
		/*) cp -L "$file" "$dir/lib/" ;;
		*) echo "stage.sh: a library was not found" >&2; exit 1 ;;
		esac
	done

cat >"$dir/run" <<'RUN'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
program=$1
shift
exec "$here"/lib64/ld-* --library-path "$here/lib" "$here/bin/$program" "$@"
RUN
chmod 755 "$dir/run"
