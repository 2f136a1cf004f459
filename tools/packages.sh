# Installs what building and testing need; sourced by ./run and ./check (POSIX sh).
#
# Only packages that neither bring a kernel nor start a service may stand in these lists.

build_apt="build-essential meson ninja-build pkg-config python3 libhwloc-dev libnuma-dev
libpapi-dev libjansson-dev libmd-dev libjs-d3"
test_apt="libcmocka-dev clang clang-format clang-tidy qemu-user qemu-system-x86 busybox-static cpio
cmark-gfm"
# Untried: names taken from the distributions' package lists.
build_dnf="gcc gcc-c++ meson ninja-build pkgconf python3 hwloc-devel numactl-devel papi-devel
jansson-devel libmd-devel"
test_dnf="libcmocka-devel clang-tools-extra qemu-user qemu-system-x86-core busybox cpio"
build_pacman="base-devel meson ninja pkgconf python hwloc numactl papi jansson libmd"
test_pacman="cmocka clang qemu-user qemu-system-x86 busybox cpio"

say() {
    printf '%s\n' "$0: $*" >&2
}

# Runs a command as root; sudo only where that is needed.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        say "root rights are needed for: $*"
        return 1
    fi
}

# Those of its arguments that dpkg does not know as installed.
missing_apt() {
    for package in "$@"; do
        case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
        *" installed") ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# The index is fetched only if the packages at hand do not suffice.
install_apt() {
    missing=$(missing_apt "$@")
    [ -n "$missing" ] || return 0
    say "installing: $missing"
    log=$root/build-packages.log
    # shellcheck disable=SC2086
    {
        apt-get install --simulate --no-install-recommends $missing >/dev/null 2>&1 ||
            as_root apt-get -q update
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq -y install --no-install-recommends $missing
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        return 1
    }
}

# Other systems' lists are printed, and used only with --yes: nobody has tried them.
install_untried() {
    manager=$1
    shift
    if [ "$yes" = 1 ]; then
        say "installing (untried): $manager $*"
        as_root "$manager" "$@" >&2
        return
    fi
    say "these packages are needed (untried list; --yes installs them): $manager $*"
}

# clang's run-time libraries (libFuzzer) have its version in their name.
clang_runtime() {
    apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p'
}

# install_packages build|test; $yes is 1 with --yes. Where installing is not possible the build is
# tried all the same: it names what it lacks.
install_packages() {
    want_test=0
    [ "$1" = test ] && want_test=1
    # shellcheck disable=SC2046,SC2086
    if command -v apt-get >/dev/null 2>&1; then
        install_apt $build_apt $([ $want_test = 0 ] || echo $test_apt $(clang_runtime)) ||
            say "some packages could not be installed"
    elif have_tools; then
        :
    elif command -v dnf >/dev/null 2>&1; then
        install_untried dnf install -y $build_dnf $([ $want_test = 0 ] || echo $test_dnf)
    elif command -v pacman >/dev/null 2>&1; then
        install_untried pacman -S --needed --noconfirm $build_pacman \
            $([ $want_test = 0 ] || echo $test_pacman)
    else
        say "no known package manager; these are needed, by their Debian names:" $build_apt
    fi
    if ! have_tools; then
        say "cannot build: a C compiler, meson, ninja and python3 must be installed"
        return 1
    fi
}

# Name of the newest kernel package that this system's index offers for virtual machines.
kernel_package() {
    apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# fetch_kernel FOLDER: the kernel that a test boots in an emulator, as FOLDER/boot/vmlinuz-*. Its
# package is fetched and unpacked, never installed; without it that test is skipped.
fetch_kernel() {
    folder=$1
    set -- "$folder"/boot/vmlinuz-*
    [ ! -f "$1" ] || return 0
    command -v apt-get >/dev/null 2>&1 && [ "$(dpkg --print-architecture)" = amd64 ] || return 0
    mkdir -p "$folder"
    log=$root/build-kernel.log
    (
        cd "$folder" || exit 1
        package=$(kernel_package)
        [ -n "$package" ] && apt-get -q download "$package" || {
            as_root apt-get -q update
            package=$(kernel_package)
            [ -n "$package" ] && apt-get -q download "$package"
        } || exit 1
        echo "unpacking $package"
        dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x --wildcards './boot/vmlinuz-*'
        rm -f ./*.deb
        set -- boot/vmlinuz-*
        [ -f "$1" ]
    ) >"$log" 2>&1 && say "fetched a kernel to boot in the emulator into $folder" ||
        say "no kernel could be fetched (see $log): the test that boots one is skipped"
}

# fetch_promtool FOLDER: Prometheus's checker of expositions as FOLDER/usr/bin/promtool. Its package
# would start a service: it is fetched and unpacked, never installed; without it that test is skipped.
fetch_promtool() {
    folder=$1
    [ ! -x "$folder/usr/bin/promtool" ] || return 0
    command -v apt-get >/dev/null 2>&1 || return 0
    mkdir -p "$folder"
    log=$root/build-promtool.log
    (
        cd "$folder" || exit 1
        apt-get -q download prometheus || {
            as_root apt-get -q update
            apt-get -q download prometheus
        } || exit 1
        dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
        rm -f ./*.deb
        [ -x usr/bin/promtool ]
    ) >"$log" 2>&1 && say "fetched promtool into $folder" ||
        say "promtool could not be fetched (see $log): the test that runs it is skipped"
}

# fetch_browser FOLDER: what the test of the web pages runs: chromium (apt), and playwright-core and
# axe-core (npm) unpacked into FOLDER. Without them that test is skipped.
fetch_browser() {
    folder=$1
    log=$root/build-browser.log
    if ! command -v npm >/dev/null 2>&1; then
        say "no npm: the web pages are not tested in a browser"
        return 0
    fi
    if ! [ -x /usr/bin/chromium ] && command -v apt-get >/dev/null 2>&1; then
        install_apt chromium || say "chromium could not be installed"
    fi
    mkdir -p "$folder"
    cmp -s "$root/tests/browser/package-lock.json" "$folder/package-lock.json" &&
        [ -d "$folder/node_modules/playwright-core" ] && return 0
    cp "$root/tests/browser/package.json" "$root/tests/browser/package-lock.json" "$folder"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 || {
        rm -rf "$folder/node_modules"
        say "playwright-core and axe-core could not be fetched (see $log): the test in a browser is skipped"
    }
}

have_tools() {
    for tool in cc meson ninja python3; do
        command -v "$tool" >/dev/null 2>&1 || return 1
    done
}

# build FOLDER LOG MESON_OPTIONS... -- NINJA_TARGETS...; quiet unless it fails. A folder that was
# configured elsewhere (the checkout was moved) is set up anew.
build() {
    folder=$1
    shift
    log=$folder.log
    setup_options=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        setup_options="$setup_options $1"
        shift
    done
    [ $# -eq 0 ] || shift
    say "building in $folder"
    # shellcheck disable=SC2086
    {
        if [ "$(cat "$folder/source-root" 2>/dev/null)" != "$root" ]; then
            rm -rf "$folder"
            meson setup "$folder" "$root" $setup_options &&
                printf '%s' "$root" >"$folder/source-root"
        fi && ninja -C "$folder" "$@"
    } >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        say "the build failed; all of its output is in $log"
        return 1
    }
}
