package deploy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

type dnfKeeper struct{}

// dnfSeek are a host's words: what it has, what repositories offer, and, of needs as
// name=pattern, which packages meet them that it has not ($found), and which there are
// none for ($lacks). It runs without file patterns.
const dnfSeek = `set -f; export LC_ALL=C
held() { have=$(rpm -qa --qf '%{NAME}\n'); }
missing() { for w in "$@"; do grep -qxE -- "${w#*=}" <<<"$have" || echo "$w"; done; }
ask() {
  more=; [ -n "$own" ] || more=$(dnf -q repolist --disabled | awk '$1 == "crb" || $1 ~ /^codeready-builder-for-rhel-.*-rpms$/ && $1 !~ /debug|source/ {print "--enablerepo=" $1}')
  offered=$(set -o pipefail; dnf -q $own $extra $more repoquery --qf '%{name}\n' | sort -u)
}
seek() {
  found= lacks=
  for w in $(missing "$@"); do
    p=$(grep -xE -- "${w#*=}" <<<"$offered" | sort -V | tail -n 1)
    if [ -n "$p" ]; then found+=" $p"; else lacks+=" ${w%%=*}"; fi
  done
}
`

// wants are packages as name=pattern, quoted.
func wants(packages []string) string {
	var all []string
	for _, p := range packages {
		all = append(all, quote(p+"="+cmp.Or(alike[p], regexp.QuoteMeta(p))))
	}
	return strings.Join(all, " ")
}

func (h *Host) wants() string { return wants(strings.Fields(h.packages())) }

func (dnfKeeper) look(h *Host) string {
	return dnfSeek + "held; [ -z \"$(missing " + h.wants() + ")\" ]"
}

// lacks prints "lacks NAME", and "release NAME" of packages that tell of more repositories.
func (dnfKeeper) lacks(h *Host, source string) string {
	return dnfSeek + "held; [ -n \"$(missing " + h.wants() + ")\" ] || exit 0\nown= extra=" + quote(h.announced()) + "\n" + source + `ask || exit 1
seek ` + h.wants() + `
for l in $lacks; do echo lacks $l; done
for r in ` + strings.Join(h.releases(), " ") + `; do rpm -q $r >/dev/null 2>&1 || ! grep -qx "$r" <<<"$offered" || echo release $r; done`
}

// announced are words for dnf by which it knows of the answers' repositories, which the
// host is told of only later.
func (h *Host) announced() string {
	s := ""
	if h.plan.Answers["CONFIG_STACKD_REPOSITORY"] != "" {
		return s
	}
	for i, u := range h.plan.Answers.List("CONFIG_REPO") {
		s += fmt.Sprintf(" --repofrompath=stackd-announced-%d,%s", i+1, u)
	}
	return s
}

// dnfList is what is installed, a name a line; a key of a repository's has its version with it.
const dnfList = `list() { rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\n' | awk '{print $1 == "gpg-pubkey" ? $1 "-" $2 : $1}' | sort -u; }
`

// install installs first what tells of repositories that have what is lacking. Nothing
// is started by packages on these systems.
func (dnfKeeper) install(h *Host, own string) string {
	s := dnfSeek + dnfList + `own="` + own + `"; before=$(mktemp); said=$(mktemp); list > $before
trap 'list | comm -13 $before - >> ` + kept + `/packages; rm -rf $before $said $repo' EXIT
add() {
  dnf -y -q $own $more --setopt=install_weak_deps=False install "$@" >$said 2>&1 && return
  cat $said; ! grep -q 'any GPG public keys' $said || echo "a repository's packages are signed, and no key of its is known here; import it: rpm --import FILE" > $said
  tail -n 3 $said >&2; exit 1
}
held; ask; seek ` + h.wants() + "\n"
	for _, r := range h.releases() {
		s += `case " $lacks " in ` + fromRelease(r) + `) if grep -qx ` + r + ` <<<"$offered"; then add ` + r + `; ask; seek ` + h.wants() + "; fi ;; esac\n"
	}
	return s + `[ -z "$lacks" ] || { echo "no repository of this host has$lacks" >&2; exit 1; }
[ -z "$found" ] || add $found`
}

// fromRelease is a pattern of the shell's for a list that has a package from there.
func fromRelease(release string) string {
	var all []string
	for p, o := range origins {
		if o.release == release {
			all = append(all, `*" `+p+` "*`)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "|")
}

// source sets $own: words for dnf. What is in the folder was checked when it was fetched
// (fetch), and comes by the same connection as the program itself.
func (dnfKeeper) source(at string) string {
	return `repo=$(mktemp -d); export no_proxy=127.0.0.1
own="--repofrompath=stackd-offline,http://` + at + `/ --disablerepo=* --enablerepo=stackd-offline --setopt=stackd-offline.gpgcheck=0 --setopt=cachedir=$repo"
trap 'rm -rf $repo' EXIT
`
}

// remove removes exactly what came, and no repository is asked for it.
func (dnfKeeper) remove() string {
	return `[ ! -s ` + kept + `/packages ] || { ` + dnfList + `gone=$(list | grep -xFf ` + kept + `/packages || true)
keys=$(grep '^gpg-pubkey-' <<<"$gone" || true); gone=$(grep -v '^gpg-pubkey-' <<<"$gone" || true)
[ -z "$gone" ] || dnf -y -q --disablerepo='*' --setopt=clean_requirements_on_remove=False --setopt=protected_packages= remove $gone >&2
[ -z "$keys" ] || rpm -e $keys >&2; }
rm -rf ` + kept
}

// repositories are signed by keys that the host knows.
func (dnfKeeper) repositories(urls []string) (file, list string) {
	for i, u := range urls {
		list += fmt.Sprintf("[stackd-%d]\nname=CONFIG_REPO %d\nbaseurl=%s\nenabled=1\npriority=1\ngpgcheck=1\n\n", i+1, i+1, u)
	}
	return "/etc/yum.repos.d/stackd.repo", list
}

func (dnfKeeper) indexed() (file, packages string) { return "repodata/repomd.xml", "*.rpm" }
