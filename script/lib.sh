# What the scripts share: to be sourced by them, from bash with "set -eu".
#
# Everything that they make lies in .venv/ (the tools, and the package as it
# stands in the tree) and .cache/ (all else); both may be removed at any time.
# PYTHON names the interpreter to use; python3 by default.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$top/.cache
unpacked=$cache/debian
cyrus=$cache/cyrus
courier=$cache/courier
others=$cache/others
python=${PYTHON:-python3}
axeVersion=4.14.1
pymapVersion=0.36.7
hoodiecrowVersion=2.1.0
arguments=("$@")
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Run a command quietly; what it printed is shown if it fails.
quietly() {
    mkdir -p "$cache"
    "$@" >"$cache/log" 2>&1 </dev/null || {
        cat "$cache/log" >&2
        fail "failed: $*"
    }
}

# debianPackage PACKAGE [PATTERN]: install one of Debian's packages, with what it
# needs; without root's rights it is only unpacked, to $unpacked, with as much of
# that as fits.
debianPackage() {
    command -v apt-get >/dev/null || fail "$1 is missing, and there is no apt-get"
    if [ "$(id -u)" = 0 ]; then
        say "Installing $1."
        export DEBIAN_FRONTEND=noninteractive
        quietly apt-get -q update
        quietly apt-get -qy install --no-install-recommends "$1"
    else
        say "Unpacking $1 into ${unpacked#"$top/"}."
        unpackPackage "$1" "$unpacked" "${2:-.}"
    fi
}

# unpackPackage PACKAGE DIRECTORY PATTERN: with those packages that it needs, as
# far as their names fit, but for those that every Debian has.  What happens to
# be installed here makes no difference: as far as apt is told, nothing is.
unpackPackage() {
    local apt=$cache/apt
    local options=(-q -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt"
        -o "Dir::State::status=$apt/status"
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root)
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$2"
    : >"$apt/status"
    quietly apt-get "${options[@]}" update
    local wanted
    for wanted in '?essential' "$1"; do
        quietly apt-get "${options[@]}" -s install --no-install-recommends "$wanted"
        awk '/^Inst/ { print $2 }' "$cache/log" | sort >"$apt/$wanted"
    done
    local needed
    needed=$(comm -13 "$apt/?essential" "$apt/$1" | grep -E "$3")
    # shellcheck disable=SC2086
    (cd "$apt/archives" && quietly apt-get "${options[@]}" download $needed)
    local archive
    for archive in "$apt"/archives/*.deb; do
        quietly dpkg -x "$archive" "$2"
    done
    rm -r "$apt"
}

# Make sure of a Python that can make virtual environments.
ensurePython() {
    command -v "$python" >/dev/null || fail "$python is missing; PYTHON=... names another"
    suits "$python" ||
        fail "$python is too old: 3.10 or newer is needed"
    if ! "$python" -c 'import ensurepip' 2>/dev/null && [ -z "$(pipWheel)" ]; then
        debianPackage python3-venv '^python3-pip-whl$'
    fi
}

# Whether a Python is one that imapsync runs on.
suits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# Debian's pip as a file: it runs where it lies.
pipWheel() {
    find "$unpacked/usr/share/python-wheels" -name 'pip-*.whl' 2>/dev/null | head -n 1
}

# Make sure of a Dovecot that the tests can start.
ensureDovecot() {
    dovecotIn "" && return
    if [ "$(id -u)" = 0 ]; then
        debianPackage dovecot-imapd '^(dovecot|lib)'
        # Debian starts a server at once, but nobody has asked for one.
        [ ! -d /run/systemd/system ] ||
            quietly systemctl disable --now dovecot.socket dovecot.service
    else
        dovecotIn "$unpacked" || debianPackage dovecot-imapd '^(dovecot|lib)'
        restartOnUnpacked
    fi
}

dovecotIn() { [ -x "$1/usr/sbin/dovecot" ] && [ -x "$1/usr/lib/dovecot/imap" ]; }

# Run the whole script anew where the unpacked packages look installed: Dovecot
# finds its parts only in /usr.
restartOnUnpacked() {
    unshare --map-root-user --mount true 2>/dev/null ||
        fail "dovecot-imapd is missing: install it as root (no user namespaces here)"
    # shellcheck disable=SC2016
    exec unshare --map-root-user --mount bash -euc '
        mount -t overlay overlay -o "lowerdir=$1:/usr" /usr
        exec unshare --user --map-user="$2" --map-group="$3" "${@:4}"
    ' - "$unpacked/usr" "$(id -u)" "$(id -g)" bash "$0" "${arguments[@]}"
}

# Make sure of a Cyrus that the tests can start.  Installed, it would take the
# place of Dovecot, so root unpacks it too; of what it needs, that is libraries.
ensureCyrus() {
    cyrusIn "$cyrus" && return
    say "Unpacking cyrus-imapd into ${cyrus#"$top/"}."
    rm -rf "$cyrus" "$cyrus.part"
    unpackPackage cyrus-imapd "$cyrus.part" '^(cyrus|lib)'
    cyrusIn "$cyrus.part" || fail "cyrus-imapd is not what it was: no master, or no imapd"
    mv "$cyrus.part" "$cyrus"
}

cyrusIn() {
    [ -x "$1/usr/lib/cyrus/bin/master" ] && [ -x "$1/usr/lib/cyrus/bin/imapd" ]
}

# Have a Courier for the tests; they do without, where it cannot be had.
ensureCourier() {
    [ ! -x "$courier/usr/bin/imapd" ] || return 0
    say "Unpacking courier-imap into ${courier#"$top/"}."
    rm -rf "$courier" "$courier.part"
    (unpackPackage courier-imap "$courier.part" '^(courier|gamin|lib)') || {
        say "There is no courier-imap: the tests that need it are skipped."
        return 0
    }
    mv "$courier.part" "$courier"
}

# Have servers of other kinds for the tests; they do without, where there is none.
ensureOthers() {
    local pymap=$others/pymap hoodiecrow=$others/hoodiecrow
    [ -x "$pymap/bin/pymap" ] ||
        (environment "$pymap" "pymap==$pymapVersion") 2>/dev/null ||
        say "There is no pymap: the test that needs it is skipped."
    if [ ! -d "$hoodiecrow/node_modules" ] && command -v npm >/dev/null; then
        say "Unpacking hoodiecrow-imap into ${hoodiecrow#"$top/"}."
        mkdir -p "$hoodiecrow"
        (cd "$hoodiecrow" && quietly npm install --ignore-scripts --no-audit \
            --no-fund "hoodiecrow-imap@$hoodiecrowVersion") 2>/dev/null ||
            say "There is no hoodiecrow-imap: the test that needs it is skipped."
    fi
}

# Have a browser for the tests of the status page, and what finds there what people
# cannot see or reach.  They are left out where it cannot be had.
ensureBrowser() {
    if ! command -v chromedriver >/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            debianPackage chromium-driver
        else
            say "There is no chromium-driver: no test looks at the status page in it."
        fi
    fi
    axe=$cache/axe/package/axe.min.js
    if [ ! -e "$axe" ] && command -v npm >/dev/null; then
        say "Unpacking axe-core into ${cache#"$top/"}/axe."
        rm -rf "$cache/axe"
        mkdir -p "$cache/axe"
        (cd "$cache/axe" && quietly npm pack "axe-core@$axeVersion" &&
            tar -xzf axe-core-*.tgz package/axe.min.js)
    fi
    [ -e "$axe" ] || axe=
}

# environment DIRECTORY PIP-ARGUMENT...: a virtual environment with these
# packages in it, made anew if they, the interpreter or setup.cfg changed.
environment() {
    local directory=$1
    shift
    local made
    made=$("$python" -VV && cd "$top" && cksum setup.cfg && printf '%s\n' "$@")
    if [ "$(cat "$directory/made" 2>/dev/null)" != "$made" ]; then
        say "Making ${directory#"$top/"}."
        rm -rf "$directory"
        if "$python" -c 'import ensurepip' 2>/dev/null; then
            quietly "$python" -m venv "$directory"
        else
            quietly "$python" -m venv --without-pip "$directory"
            quietly "$directory/bin/python" "$(pipWheel)/pip" install pip
        fi
        quietly "$directory/bin/python" -m pip install "$@"
        printf '%s\n' "$made" >"$directory/made"
    fi
}

# The environment to work in: every tool, and imapsync from the tree.
developmentEnvironment() {
    ensurePython
    environment "$top/.venv" --editable "$top[dev,test]"
}

buildWheel() {
    say "Building the wheel."
    # Setuptools would put what an earlier build left behind into the wheel.
    rm -rf "$top/build" "$cache/wheel"
    quietly "$top/.venv/bin/python" -m pip wheel --no-deps --no-build-isolation \
        --wheel-dir "$cache/wheel" "$top"
    rm -rf "$top/build"
}

# installWheel DIRECTORY [EXTRA]: an environment with the wheel that was built.
installWheel() {
    local wheel
    wheel=$(echo "$cache"/wheel/*.whl)
    environment "$1" "$wheel${2:+[$2]}"
    quietly "$1/bin/python" -m pip install --no-deps --force-reinstall "$wheel"
}
