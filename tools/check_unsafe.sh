#!/usr/bin/env bash
# Fails when a .rs file outside of the list below uses the keyword `unsafe`, in whatever form: block, fn, impl, trait,
# extern, attribute. Comments, strings and names such as `unsafe_code` do not count.
# With --self-test it plants violations in a temporary folder and proves that each is found and nothing else.
set -euo pipefail
export LC_ALL=C

# The files that may hold unsafe code; `*` stays inside a folder, `**` does not.
# The tests of a listed file, NAME_tests.rs beside NAME.rs, may too.
ALLOWED='
backend/src/buffer.rs
backend/src/buffer/*.rs
backend/src/memory.rs
backend/src/memory/*.rs
backend/src/view.rs
backend-simd/src/arch/**
backend-simd/src/gemm/micro.rs
backend-blas/src/ffi.rs
rusttorch-python/src/buffer.rs
rusttorch-python/src/dlpack.rs
rusttorch-python/src/module.rs
rusttorch-python/src/numpy.rs
'
export ALLOWED

# Blanks out comments, strings and character literals line by line, then looks for the keyword in what is left.
SCANNER='
function to_regex(glob,    i, c, out) {
    for (i = 1; i <= length(glob); i++) {
        c = substr(glob, i, 1)
        if (substr(glob, i, 2) == "**") { out = out ".*"; i++ }
        else if (c == "*") out = out "[^/]*"
        else if (c == ".") out = out "[.]"
        else out = out c
    }
    return "^" out "$"
}
function is_allowed(path,    i, subject) {
    subject = path
    sub(/_tests[.]rs$/, ".rs", subject)
    for (i = 1; i <= globs; i++) if (path ~ regex[i] || subject ~ regex[i]) return 1
    return 0
}
# A file that ends inside a comment or a string was misread, and may hide what this script looks for.
function finish() {
    if (name != "" && !skip && (depth || quote || raw != ""))
        print name ":" last ": a comment or string that never ends"
}
function advance(n) { rest = substr(rest, n) }

BEGIN {
    count = split(ENVIRON["ALLOWED"], lines, "\n")
    for (i = 1; i <= count; i++) if (lines[i] != "") regex[++globs] = to_regex(lines[i])
}
FNR == 1 {
    finish()
    name = FILENAME
    sub(/^[.]\//, "", name)
    skip = is_allowed(name)
    depth = quote = 0   # depth of nested block comments; inside "..."
    raw = ""            # what ends the raw string we are in
}
skip { next }
{
    last = FNR
    rest = $0
    code = ""
    while (rest != "") {
        if (depth) {
            if (!match(rest, /\/\*|\*\//)) break
            depth += substr(rest, RSTART, 1) == "/" ? 1 : -1
            advance(RSTART + 2)
        } else if (raw != "") {
            at = index(rest, raw)
            if (!at) break
            advance(at + length(raw))
            raw = ""
        } else if (quote) {
            if (!match(rest, /["\\]/)) break
            if (substr(rest, RSTART, 1) == "\\") advance(RSTART + 2)
            else { quote = 0; advance(RSTART + 1) }
        } else if (!match(rest, /\/\/|\/\*|["\047]/)) {
            code = code rest
            break
        } else {
            code = code substr(rest, 1, RSTART - 1)
            mark = substr(rest, RSTART, 2)
            advance(RSTART)
            if (mark == "//") break
            if (mark == "/*") { depth = 1; advance(3) }
            else if (substr(mark, 1, 1) == "\"") {
                if (match(code, /(^|[^A-Za-z0-9_])[bc]?r#*$/)) {
                    raw = substr(code, RSTART)
                    sub(/^[^r]*r/, "", raw)
                    raw = "\"" raw
                } else quote = 1
                advance(2)
            }
            # A character literal: escaped, one ASCII character, or one of several bytes. Else a lifetime.
            else if (match(rest, /^\047\\.[^\047]*\047/) || match(rest, /^\047[^\047\\]\047/) ||
                     match(rest, /^\047[^\047\\ -~][^\047 -~]?[^\047 -~]?[^\047 -~]?\047/)) advance(RLENGTH + 1)
            else advance(2)
            code = code " "
        }
    }
    if (code ~ /(^|[^A-Za-z0-9_])unsafe([^A-Za-z0-9_]|$)/) {
        text = $0
        gsub(/^[ \t]+|[ \t\r]+$/, "", text)
        print name ":" FNR ": " text
    }
}
END { finish() }
'

# Build output, git and a virtual environment are not the repository's own files.
rust_files() {
    find . \( -path ./target -o -name .git -o -name .venv \) -prune -o -type f -name '*.rs' "$@"
}

# Prints `path:line: text` for each violation below the current folder.
scan() {
    rust_files -exec awk "$SCANNER" {} + | sort -t : -k 1,1 -k 2,2n
}

self_test() {
    root=$(mktemp -d)
    trap 'cd / && rm -rf "$root"' EXIT
    cd "$root"
    mkdir -p backend/src/memory/deep backend/src/buffer backend-simd/src/arch/x86_64/avx2 backend-simd/src/gemm/micro \
        backend-naive/src backend-naive/examples copy/backend/src target/debug "odd name/src"

    # Nothing here is unsafe code.
    cat > backend-naive/src/clean.rs <<'RUST'
#![forbid(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]
// unsafe { in a comment }
/// unsafe fn in a doc comment
/* unsafe { /* unsafe impl, nested */ unsafe trait */
fn not_unsafe<'a>(unsafer: &'a str) -> &'a str { unsafer }
const A: &str = "unsafe { }"; const B: &str = "a \" unsafe { } \\";
const C: &str = r#"a " unsafe fn "#; const D: &[u8] = br##"unsafe "# unsafe"##;
const E: [char; 6] = ['"', '\'', '\\', '\u{22}', 'é', '/']; const F: u8 = b'"'; // unsafe
const G: &str = "first line
    unsafe { in the second } \
    unsafe";
const H: &str = r"\"; const I: &str = "// unsafe"; const J: &str = "/* unsafe";
const K: &std::ffi::CStr = c"unsafe"; const L: &str = r##"
unsafe fn "# unsafe
"##;
RUST
    # Every line that ends in BAD is a violation, and no other.
    cat > backend-naive/src/bad.rs <<'RUST'
fn block() { unsafe { core() } } // BAD
fn tight() {unsafe{core()}} // BAD
unsafe fn plain() {} // BAD
pub(crate)  unsafe	fn spaced() {} // BAD
unsafe // BAD
{ }
unsafe impl Send for X {} // BAD
unsafe trait T {} // BAD
unsafe extern "C" { fn f(); } // BAD
#[unsafe(no_mangle)] // BAD
# [ unsafe ( no_mangle ) ] // BAD
#[cfg_attr(unix, unsafe(no_mangle))] // BAD
type F = unsafe extern "C" fn(); // BAD
/* closed */ unsafe { } // BAD
/* open
closed */ unsafe { } // BAD
const A: &str = "x"; unsafe { } // BAD
const B: &str = "x \\"; unsafe { } // BAD
const C: &str = r"\"; unsafe { } // BAD
const D: &str = r#"""#; unsafe { } // BAD
const E: char = '"'; unsafe { } // BAD
const F: char = '\''; unsafe { } // BAD
const G: char = '\u{22}'; unsafe { } // BAD
const Q: char = '\"'; unsafe { } // BAD
const H: [char; 2] = ['é','"']; unsafe { } // BAD
const I: u8 = b'\\'; unsafe { } // BAD
fn life<'a>(x: &'a X, y: &'static str) { unsafe { } } // BAD
const J: &str = "one
two"; unsafe { } // BAD
unsafe/* why */{ } // BAD
fn r#type() { let r = 1; unsafe { } } // BAD
unsafe { a('"', "'", '/', "/*") } unsafe { } // BAD
"*/"; unsafe { } // BAD
let ratio = a / b / unsafe { c() }; // BAD
RUST
    printf '\357\273\277unsafe fn bom() {}\r\n' > backend-naive/src/crlf.rs
    printf 'fn f() {}\n/* never closed\nunsafe { }' > backend-naive/src/open.rs
    use='fn f() { unsafe { } }'
    for path in backend/src/buffer.rs backend/src/buffer_tests.rs backend/src/buffer/pool.rs backend/src/memory.rs \
        backend/src/memory/front.rs backend/src/memory/front_tests.rs backend/src/view.rs backend/src/view_tests.rs \
        backend-simd/src/arch/mod.rs backend-simd/src/arch/x86_64/avx2/f32.rs backend-simd/src/gemm/micro.rs \
        target/debug/built.rs; do
        echo "$use" > "$path"
    done
    for path in backend/src/lib.rs backend/src/views.rs backend/src/xbuffer.rs backend/src/memory/deep/more.rs \
        backend-simd/src/gemm/mod.rs backend-simd/src/gemm/micro/more.rs backend-naive/examples/view.rs \
        copy/backend/src/view.rs "odd name/src/a b.rs"; do
        echo "$use" > "$path"
        echo "$path:1: $use" >> planted
    done
    awk '/BAD$/ { print "backend-naive/src/bad.rs:" FNR ": " $0 }' backend-naive/src/bad.rs >> planted
    printf '\357\273\277' > bom
    echo "backend-naive/src/crlf.rs:1: $(cat bom)unsafe fn bom() {}" >> planted
    echo "backend-naive/src/open.rs:3: a comment or string that never ends" >> planted

    scan > found
    if ! sort -t : -k 1,1 -k 2,2n planted | diff - found; then
        echo "unsafe: the self-test failed (< planted, > found)" >&2
        exit 1
    fi
    echo "unsafe: self-test passed, $(wc -l < planted | tr -d ' ') planted violations found"
}

case "${1-}" in
--self-test) self_test ;;
'')
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    files=$(rust_files -print | wc -l | tr -d ' ')
    [ "$files" -gt 0 ] || { echo "unsafe: no .rs file found" >&2; exit 1; }
    violations=$(scan)
    if [ -n "$violations" ]; then
        printf '%s\n' "$violations" >&2
        echo "unsafe: outside of the files that may hold it (listed in tools/check_unsafe.sh)" >&2
        exit 1
    fi
    echo "unsafe: $files files, none outside of those that may hold it"
    ;;
*)
    echo "usage: $0 [--self-test]" >&2
    exit 2
    ;;
esac
